"""Routes of the delist portal."""

from django.urls import path

from delisting import request_views, views

app_name = "delisting"
urlpatterns = [
    path("", views.find, name="find"),
    path("ask/", views.ask, name="ask"),
    path("refer/", views.refer, name="refer"),
    path("request/<str:token>/", request_views.status, name="status"),
    path("request/<str:token>/status.json", request_views.status_json, name="status_json"),
    path("request/<str:token>/mailbox/", request_views.mailbox, name="mailbox"),
    path("request/<str:token>/prove/", request_views.prove, name="prove"),
    path("request/<str:token>/refer/", request_views.refer, name="refer_request"),
    path("<str:token>/", request_views.confirm, name="confirm"),
]
