"""Routes of this app."""

from django.urls import path

from listings import views

app_name = "listings"
urlpatterns = [path("plain/", views.plain, name="plain")]
