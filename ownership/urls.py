"""The owner's page.  A link's token stays in the address for one request only."""

from django.urls import path

from ownership import views

app_name = "answer"
urlpatterns = [
    path("", views.question, name="question"),
    path("stop/", views.stop, name="stop"),
    path("<slug:token>/", views.open_link, name="open"),
]
