"""The tickets API: the same acts as the pages, for programs.

A tenant's key or session reaches that tenant's tickets; all else is a 404.
``Idempotency-Key`` makes every POST safe to send again.
"""

from typing import Any

from django.db.models import Q
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from customers.access import actor_of
from customers.authentication import HasScope
from customers.models import Tenant
from escalation import prefixes
from escalation.actors import CUSTOMER, Actor
from escalation.errors import Refused
from escalation.idempotency import KEY, key_of
from escalation.problems import PROBLEM, ProblemSerializer
from tickets import actions, opening, reading, stations
from tickets.lifecycle import Party, State
from tickets.models import Message, Ticket, TicketQuerySet
from tickets.serializers import (
    EntrySerializer,
    FilterSerializer,
    MessageSerializer,
    NewTicketSerializer,
    NoteSerializer,
    ReasonSerializer,
    TicketPageSerializer,
    TicketSerializer,
)

HISTORY = 200  # entries and messages given at most
PROBLEMS = {(code, PROBLEM): ProblemSerializer for code in (401, 403, 404, 409, 422, 429)}
INVALID = {(400, PROBLEM): ProblemSerializer, **PROBLEMS}


class Incomplete(Refused):
    code = "ticket-incomplete"
    status = 422
    title = gettext_lazy("Something is missing")


@extend_schema_view(
    list=extend_schema(
        parameters=[FilterSerializer], responses={200: TicketPageSerializer, **INVALID}
    ),
    retrieve=extend_schema(responses={200: TicketSerializer, **PROBLEMS}),
)
class TicketViewSet(viewsets.GenericViewSet[Ticket]):
    """Tickets of the tenant that the key or the session acts for."""

    permission_classes = [IsAuthenticated, HasScope]
    serializer_class = TicketSerializer
    lookup_value_regex = r"\d{1,18}"
    queryset = Ticket.objects.none()

    def actor(self) -> Actor:
        actor = actor_of(self.request)
        if actor.role not in CUSTOMER or actor.tenant_id is None:
            raise Http404
        return actor

    def get_queryset(self) -> TicketQuerySet:
        return Ticket.objects.visible_to(self.actor()).for_list()

    def list(self, request: Request) -> Response:
        asked = FilterSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wish = asked.validated_data
        limit = wish["limit"]
        found = list(narrowed(self.get_queryset(), wish).order_by("-pk")[: limit + 1])
        following = None
        if len(found) > limit:
            query = request.query_params.copy()
            query["before"] = str(found[limit - 1].pk)
            following = request.build_absolute_uri(f"?{query.urlencode()}")
        rows = TicketSerializer(found[:limit], many=True).data
        return Response({"next": following, "results": rows})

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(TicketSerializer(self.get_object()).data)

    @extend_schema(
        request=NewTicketSerializer, parameters=[KEY], responses={201: TicketSerializer, **INVALID}
    )
    def create(self, request: Request) -> Response:
        """Open a ticket on behalf of an external sender."""
        actor = self.actor()
        given = NewTicketSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        tenant = Tenant.objects.visible_to(actor).get()
        ticket = opening.open_ticket(
            tenant, actor, application(given.validated_data), key=key_of(request)
        )
        place = reverse("api:ticket-detail", args=[ticket.pk])
        return Response(
            TicketSerializer(ticket).data,
            status=status.HTTP_201_CREATED,
            headers={"Location": request.build_absolute_uri(place)},
        )

    @extend_schema(responses={200: EntrySerializer(many=True), **PROBLEMS})
    @action(detail=True, methods=["get"], pagination_class=None)
    def history(self, request: Request, pk: str) -> Response:
        """The steps of the ticket's case that a tenant may know, the oldest first."""
        ticket = self.get_object()
        known = stations.public_entries(ticket.case, ticket)
        return Response(EntrySerializer(known[-HISTORY:], many=True).data)

    @extend_schema(methods=["GET"], responses={200: MessageSerializer(many=True), **PROBLEMS})
    @extend_schema(
        methods=["POST"], parameters=[KEY], request=MessageSerializer,
        responses={201: MessageSerializer, **INVALID},
    )  # fmt: skip
    @action(detail=True, methods=["get", "post"], pagination_class=None)
    def comments(self, request: Request, pk: str) -> Response:
        """The conversation between the tenant and the desk."""
        ticket, actor = self.get_object(), self.actor()
        talk = ticket.conversations.select_related("case", "ticket").get(party=Party.CUSTOMER)
        if request.method == "GET":
            rows: list[Message] = reading.messages_of(talk, HISTORY)
            return Response(MessageSerializer(rows, many=True).data)
        given = MessageSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        message = actions.say(talk, actor, given.validated_data["text"], key=key_of(request))
        return Response(MessageSerializer(message).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        request=NoteSerializer, parameters=[KEY], responses={200: TicketSerializer, **INVALID}
    )
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        """End the ticket; it can be opened again."""
        ticket = self.get_object()
        given = NoteSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        note = given.validated_data["note"]
        actions.withdraw(ticket, self.actor(), note=note, key=key_of(request))
        return Response(TicketSerializer(self.get_object()).data)

    @extend_schema(
        request=ReasonSerializer, parameters=[KEY], responses={200: TicketSerializer, **INVALID}
    )
    @action(detail=True, methods=["post"])
    def escalate(self, request: Request, pk: str) -> Response:
        """Raise the case by one level: once per level, with a reason."""
        ticket = self.get_object()
        given = ReasonSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        note = given.validated_data["note"]
        actions.escalate(ticket, self.actor(), note=note, key=key_of(request))
        return Response(TicketSerializer(self.get_object()).data)


def narrowed(tickets: TicketQuerySet, wish: dict[str, Any]) -> TicketQuerySet:
    """The tickets that the filters let through."""
    if wish["open"] is not None:
        tickets = tickets.filter(ended_at__isnull=wish["open"])
    if state := wish.get("state"):
        shown = Q(case__state__in=stations.states_shown_as(state)) & ~stations.left()
        tickets = tickets.filter(shown | stations.left() if state == State.WITHDRAWN else shown)
    if address := wish.get("address"):
        prefix = prefixes.parse_prefix(address)
        tickets = tickets.filter(prefix__in=prefixes.covering(prefix))
    if sender := wish.get("sender"):
        tickets = tickets.filter(sender_email__iexact=sender)
    if reference := wish.get("external_reference"):
        tickets = tickets.filter(external_reference=reference)
    if before := wish.get("before"):
        tickets = tickets.filter(pk__lt=before)
    return tickets


def application(given: dict[str, Any]) -> opening.Application:
    """What a program sent, filled in from its bounce where it said nothing itself."""
    bounce = given.pop("bounce", "").encode("utf-8", "replace")
    read = reading.from_bounce(bounce) if bounce else {}
    filled = {name: value for name, value in read.items() if name != "problem" and value}
    said = {name: value for name, value in given.items() if value}
    wish = {"prefix": "", "recipient": "", "sender_email": "", **filled, **said}
    if missing := [name for name in ("prefix", "recipient", "sender_email") if not wish[name]]:
        raise Incomplete(
            _("Neither the request nor its bounce says: %s.") % ", ".join(missing),
            field=missing[0],
        )
    return opening.Application(**wish, bounce=bounce, bounce_name="bounce.eml" if bounce else "")
