"""Routes of the abuse desk in the API, version 1."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from abuse.api import IncidentViewSet, ReportViewSet
from abuse.report_api import ReportIntake

app_name = "abuse_api"
router = SimpleRouter()
router.register("incidents", IncidentViewSet, basename="incident")
router.register("reports", ReportViewSet, basename="report")
urlpatterns = [path("junk-reports/", ReportIntake.as_view(), name="report"), *router.urls]
