"""Routes of this app."""

from django.urls import path

from listings import views

app_name = "listings"
urlpatterns = [
    path("<slug:kind>/", views.feed, name="feed"),
    path("<slug:kind>/<str:name>", views.feed, name="file"),
]
