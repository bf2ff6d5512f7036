"""Tickets as programs see them: what goes in, and what a tenant may know."""

from datetime import datetime
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tickets import stations
from tickets.lifecycle import Party, State
from tickets.models import Entry, Message, Ticket
from tickets.talking import LONGEST


class NewTicketSerializer(serializers.Serializer[Any]):
    """A ticket to open.  The bounce is text, as it came; it fills in what is left out."""

    prefix = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")
    recipient = serializers.EmailField(max_length=320, required=False, allow_blank=True, default="")
    sender_email = serializers.EmailField(
        max_length=320, required=False, allow_blank=True, default=""
    )
    sender_name = serializers.CharField(max_length=200, required=False, allow_blank=True)
    sender_organisation = serializers.CharField(max_length=200, required=False, allow_blank=True)
    sender_language = serializers.ChoiceField(choices=settings.LANGUAGES, default="en")
    smtp_reply = serializers.CharField(max_length=5000, required=False, allow_blank=True)
    note = serializers.CharField(max_length=LONGEST, required=False, allow_blank=True)
    external_reference = serializers.CharField(max_length=100, required=False, allow_blank=True)
    bounce = serializers.CharField(
        max_length=settings.POSTERN_UPLOAD_MIB * 1024 * 1024,
        required=False,
        allow_blank=True,
        trim_whitespace=False,
    )


class TicketSerializer(serializers.ModelSerializer[Ticket]):
    """A ticket as its tenant sees it.  Changes only through its steps."""

    number = serializers.IntegerField(source="pk", read_only=True)
    address = serializers.CharField(source="shown_prefix", read_only=True)
    state = serializers.SerializerMethodField()
    state_since = serializers.SerializerMethodField()
    turn = serializers.SerializerMethodField()
    level = serializers.IntegerField(source="case.level", read_only=True)

    class Meta:
        model = Ticket
        fields = [
            "number", "address", "prefix", "state", "state_since", "turn", "level",
            "sender_name", "sender_email", "sender_organisation", "sender_language",
            "recipient", "smtp_reply", "enhanced_status_code", "list_named",
            "external_reference", "opened_at", "ended_at",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=State.choices))
    def get_state(self, ticket: Ticket) -> str:
        return stations.public_state(stations.as_known(ticket)).value

    def get_state_since(self, ticket: Ticket) -> datetime:
        return stations.as_known(ticket).state_since

    @extend_schema_field(serializers.ChoiceField(choices=Party.choices))
    def get_turn(self, ticket: Ticket) -> str:
        return stations.as_known(ticket).turn.value


class EntrySerializer(serializers.ModelSerializer[Entry]):
    """One step of a case as a tenant may know it: never what the owner answered."""

    event = serializers.SerializerMethodField()
    label = serializers.SerializerMethodField()  # type: ignore[assignment]  # a field named so

    class Meta:
        model = Entry
        fields = ["event", "label", "role", "happened_at"]
        read_only_fields = fields

    @extend_schema_field(serializers.CharField())
    def get_event(self, entry: Entry) -> str:
        return stations.public_event(entry)

    def get_label(self, entry: Entry) -> str:
        return stations.public_label(entry)


class MessageSerializer(serializers.ModelSerializer[Message]):
    """One message between the tenant and the desk."""

    author = serializers.SerializerMethodField()
    text = serializers.CharField(max_length=LONGEST)

    class Meta:
        model = Message
        fields = ["id", "role", "author", "text", "written_at"]
        read_only_fields = ["id", "role", "author", "written_at"]

    def get_author(self, message: Message) -> str:
        by_desk = message.role in {"agent", "desk"}
        return "" if by_desk or message.user is None else str(message.user)


class NoteSerializer(serializers.Serializer[Any]):
    """Why a step is taken."""

    note = serializers.CharField(max_length=LONGEST, required=False, allow_blank=True, default="")


class ReasonSerializer(serializers.Serializer[Any]):
    """Why a step is taken; needed."""

    note = serializers.CharField(max_length=LONGEST)


class FilterSerializer(serializers.Serializer[Any]):
    """What a list of tickets can be narrowed by."""

    open = serializers.BooleanField(required=False, allow_null=True, default=None)
    state = serializers.ChoiceField(choices=State.choices, required=False)
    address = serializers.CharField(max_length=60, required=False)
    sender = serializers.CharField(max_length=320, required=False)
    external_reference = serializers.CharField(max_length=100, required=False)
    before = serializers.IntegerField(min_value=1, max_value=2**62, required=False)
    limit = serializers.IntegerField(min_value=1, max_value=100, default=25)


class TicketPageSerializer(serializers.Serializer[Any]):
    """A page of tickets, newest first; ``next`` is the address of the one after, or null."""

    next = serializers.URLField(allow_null=True)
    results = TicketSerializer(many=True)
