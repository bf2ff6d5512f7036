"""Routes of the demo mailbox; each is a 404 outside demo mode."""

from django.urls import path

from mailroom import views

app_name = "mailbox"
urlpatterns = [
    path("", views.letters, name="list"),
    path("<str:name>/", views.letter, name="letter"),
]
