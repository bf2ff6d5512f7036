"""Who of a tenant's correspondents was refused, for programs: the facts of the page."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.access import actor_of
from customers.authentication import HasScope
from escalation.actors import CUSTOMER
from escalation.problems import PROBLEM, ProblemSerializer
from tickets import refused

PROBLEMS = {(code, PROBLEM): ProblemSerializer for code in (401, 403, 404, 429)}


class RefusedQuerySerializer(serializers.Serializer[Any]):
    """What the list can be narrowed by."""

    days = serializers.ChoiceField(choices=[str(days) for days in refused.PERIODS], required=False)
    q = serializers.CharField(max_length=320, required=False)
    before = serializers.CharField(max_length=80, required=False)


class CorrespondentSerializer(serializers.Serializer[Any]):
    """An address that was refused, over all of the days asked for."""

    address = serializers.IPAddressField(source="who.address")
    refused = serializers.IntegerField(source="who.refused")
    first_refused_at = serializers.DateTimeField(source="who.first_at")
    last_refused_at = serializers.DateTimeField(source="who.last_at")
    sender = serializers.CharField(source="who.sender", allow_blank=True)
    recipient = serializers.CharField(source="who.recipient", allow_blank=True)
    is_listed = serializers.BooleanField()
    ticket = serializers.IntegerField(source="ticket.pk", allow_null=True, default=None)


class RefusedPageSerializer(serializers.Serializer[Any]):
    """A page, the last refused first; ``next`` is the address of the one after, or null."""

    next = serializers.URLField(allow_null=True)
    results = CorrespondentSerializer(many=True)


class RefusedView(APIView):
    """Mail to the tenant's domains that our servers refused, by the sender's address."""

    permission_classes = [IsAuthenticated, HasScope]

    @extend_schema(
        operation_id="refused_list",
        parameters=[RefusedQuerySerializer],
        responses={200: RefusedPageSerializer, **PROBLEMS},
    )
    def get(self, request: Request) -> Response:
        actor = actor_of(request)
        if actor.role not in CUSTOMER or actor.tenant_id is None:
            raise Http404
        found = refused.page(actor, request.query_params)
        following = request.build_absolute_uri(found.older) if found.older else None
        rows = CorrespondentSerializer(found.rows, many=True).data
        return Response({"next": following, "results": rows})
