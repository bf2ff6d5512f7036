"""Junk reports for a tenant's programs: the same acts as its pages.

All that is another tenant's is a 404.  ``Idempotency-Key`` makes every POST safe to send again.
"""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from abuse import actions, queries
from abuse.lifecycle import Event
from abuse.models import Incident, Report
from abuse.serializers import (
    IncidentPageSerializer,
    IncidentQuerySerializer,
    IncidentSerializer,
    JunkReportPageSerializer,
    JunkReportSerializer,
    ReportQuerySerializer,
    StatementSerializer,
    WholeIncidentSerializer,
    WholeReportSerializer,
)
from abuse.tenant_forms import SHOWN_AS
from customers.access import actor_of
from customers.authentication import HasScope
from escalation.actors import CUSTOMER, Actor
from escalation.idempotency import KEY, key_of
from escalation.problems import PROBLEM, ProblemSerializer

PROBLEMS = {(code, PROBLEM): ProblemSerializer for code in (401, 403, 404, 429)}
INVALID = {(400, PROBLEM): ProblemSerializer, **PROBLEMS}
STEP = {(code, PROBLEM): ProblemSerializer for code in (409, 422)} | INVALID
STEP_SCHEMA: Any = {
    "request": StatementSerializer,
    "parameters": [KEY],
    "responses": {200: WholeIncidentSerializer, **STEP},
}


class _TenantViewSet(viewsets.GenericViewSet[Any]):
    permission_classes = [IsAuthenticated, HasScope]
    lookup_value_regex = r"\d{1,18}"

    def actor(self) -> Actor:
        actor = actor_of(self.request)
        if actor.role not in CUSTOMER or actor.tenant_id is None:
            raise Http404
        return actor

    def page(self, rows: QuerySet[Any], wish: dict[str, Any], serializer: Any) -> Response:
        """The rows that ``wish`` asks for, the newest first, and where the next ones are."""
        if before := wish.get("before"):
            rows = rows.filter(pk__lt=before)
        limit = wish["limit"]
        found = list(rows.order_by("-pk")[: limit + 1])
        following = None
        if len(found) > limit:
            query = self.request.query_params.copy()
            query["before"] = str(found[limit - 1].pk)
            following = self.request.build_absolute_uri(f"?{query.urlencode()}")
        return Response({"next": following, "results": serializer(found[:limit], many=True).data})


@extend_schema_view(retrieve=extend_schema(responses={200: WholeIncidentSerializer, **PROBLEMS}))
class IncidentViewSet(_TenantViewSet):
    """Incidents of the tenant that the key or the session acts for."""

    serializer_class = IncidentSerializer
    queryset = Incident.objects.none()

    def get_queryset(self) -> QuerySet[Incident]:
        return Incident.objects.visible_to(self.actor())

    @extend_schema(
        parameters=[IncidentQuerySerializer], responses={200: IncidentPageSerializer, **INVALID}
    )
    def list(self, request: Request) -> Response:
        asked = IncidentQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wish = asked.validated_data
        rows = Incident.objects.visible_to(self.actor())
        if wish["open"] is not None:
            rows = rows.open() if wish["open"] else rows.exclude(pk__in=rows.open())
        for name in ("state", "feedback_class"):
            if value := wish.get(name):
                rows = rows.filter(**{name: value})
        return self.page(rows, wish, IncidentSerializer)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(WholeIncidentSerializer(self.get_object()).data)

    @extend_schema(**STEP_SCHEMA)
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, pk: str) -> Response:
        """Give the statement that the desk asks for."""
        return self._take(request, Event.ANSWER)

    @extend_schema(**STEP_SCHEMA)
    @action(detail=True, methods=["post"])
    def appeal(self, request: Request, pk: str) -> Response:
        """Appeal against the restriction."""
        return self._take(request, Event.APPEAL)

    def _take(self, request: Request, event: Event) -> Response:
        incident, actor = self.get_object(), self.actor()
        given = StatementSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        key = actor.own_key(key_of(request), incident.pk)
        actions.take_step(incident, event, actor, note=given.validated_data["note"], key=key)
        return Response(WholeIncidentSerializer(self.get_object()).data)


@extend_schema_view(retrieve=extend_schema(responses={200: WholeReportSerializer, **PROBLEMS}))
class ReportViewSet(_TenantViewSet):
    """Reports about mail of the tenant, redacted."""

    serializer_class = JunkReportSerializer
    queryset = Report.objects.none()

    def get_queryset(self) -> QuerySet[Report]:
        return queries.told(self.actor())

    @extend_schema(
        parameters=[ReportQuerySerializer], responses={200: JunkReportPageSerializer, **INVALID}
    )
    def list(self, request: Request) -> Response:
        asked = ReportQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wish = asked.validated_data
        strengths = SHOWN_AS.get(wish.get("strength", ""), ())
        rows = queries.narrowed(
            queries.told(self.actor()), kind=wish.get("feedback_class", ""), strengths=strengths
        )
        if incident := wish.get("incident"):
            rows = rows.filter(incident=incident)
        return self.page(rows, wish, JunkReportSerializer)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(WholeReportSerializer(self.get_object()).data)
