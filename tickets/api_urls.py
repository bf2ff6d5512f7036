"""Routes of the API, version 1."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from tickets.api import TicketViewSet
from tickets.refused_api import RefusedView

app_name = "api"
router = SimpleRouter()
router.register("tickets", TicketViewSet, basename="ticket")
urlpatterns = [path("refused/", RefusedView.as_view(), name="refused"), *router.urls]
