"""Routes of the front page, the tenant's tickets and the sender's case."""

from django.urls import path

from tickets import refused_views, sender_views, views

app_name = "tickets"
urlpatterns = [
    path("", views.front, name="front"),
    path("tickets/", views.ticket_list, name="list"),
    path("tickets/new/", views.new, name="new"),
    path("tickets/refused/", refused_views.refused, name="refused"),
    path("tickets/<int:pk>/", views.detail, name="detail"),
    path("tickets/<int:pk>/say/", views.say, name="say"),
    path("tickets/<int:pk>/step/", views.step, name="step"),
    path("tickets/<int:pk>/files/<int:file>/", views.attachment, name="file"),
    path("case/<str:token>/", sender_views.enter, name="sender_enter"),
    path("case/of/<int:pk>/", sender_views.case, name="sender"),
    path("case/of/<int:pk>/say/", sender_views.say, name="sender_say"),
    path("case/of/<int:pk>/attest/", sender_views.attest, name="sender_attest"),
    path("case/of/<int:pk>/appeal/", sender_views.appeal, name="sender_appeal"),
    path("case/of/<int:pk>/files/<int:file>/", sender_views.attachment, name="sender_file"),
]
