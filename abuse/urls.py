"""Routes of the reporter's pages."""

from django.urls import path

from abuse import loop_views, report_views

app_name = "abuse"
urlpatterns = [
    path("", report_views.report, name="report"),
    path("loop/", loop_views.ask, name="loop_ask"),
    path("loop/<str:token>/", loop_views.loop, name="loop"),
    path("<str:token>/", report_views.outcome_page, name="outcome"),
]
