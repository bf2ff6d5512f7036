"""Routes of this app."""

from django.urls import URLPattern

app_name = "ownership"
urlpatterns: list[URLPattern] = []
