"""Incidents and reports as a tenant's programs see them: never who reported."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from abuse import arf, copies, stations
from abuse.kinds import PROVED, FeedbackClass
from abuse.lifecycle import State
from abuse.models import Incident, Report
from abuse.tenant_forms import LONGEST_STATEMENT, SHOWN_AS

MOST_ROWS = 100  # of one page
HISTORY = 200  # steps given at most


class _PageQuerySerializer(serializers.Serializer[Any]):
    before = serializers.IntegerField(min_value=1, max_value=2**62, required=False)
    limit = serializers.IntegerField(min_value=1, max_value=MOST_ROWS, default=25)


class IncidentQuerySerializer(_PageQuerySerializer):
    """What a list of incidents can be narrowed by."""

    open = serializers.BooleanField(required=False, allow_null=True, default=None)
    state = serializers.ChoiceField(choices=State.choices, required=False)
    feedback_class = serializers.ChoiceField(choices=FeedbackClass.choices, required=False)


class ReportQuerySerializer(_PageQuerySerializer):
    """What a list of reports can be narrowed by; ``strength`` is a level, or ``proved``."""

    feedback_class = serializers.ChoiceField(choices=FeedbackClass.choices, required=False)
    strength = serializers.ChoiceField(choices=list(SHOWN_AS), required=False)
    incident = serializers.IntegerField(min_value=1, max_value=2**62, required=False)


class IncidentSerializer(serializers.ModelSerializer[Incident]):
    """An incident; ``turn`` says who is to act: customer, desk or nobody."""

    number = serializers.IntegerField(source="pk", read_only=True)
    state = serializers.CharField(read_only=True)
    turn = serializers.SerializerMethodField()

    class Meta:
        model = Incident
        fields = [
            "number", "feedback_class", "state", "state_since", "turn", "opened_at",
            "last_report_at", "enrolled", "anonymous", "claims", "answer_until", "appealed_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_turn(self, incident: Incident) -> str:
        return stations.turn(incident)["party"]


class IncidentStepSerializer(serializers.Serializer[Any]):
    """A step of an incident; ``by`` is a colleague or the desk."""

    event = serializers.CharField()
    by = serializers.CharField()
    note = serializers.CharField(allow_blank=True)
    happened_at = serializers.DateTimeField()


class WholeIncidentSerializer(IncidentSerializer):
    """An incident with its history, the oldest step first."""

    history = serializers.SerializerMethodField()

    class Meta(IncidentSerializer.Meta):
        fields = [*IncidentSerializer.Meta.fields, "history"]
        read_only_fields = fields

    @extend_schema_field(IncidentStepSerializer(many=True))
    def get_history(self, incident: Incident) -> Any:
        entries = incident.entries.select_related("user").order_by("-pk")[:HISTORY]
        return IncidentStepSerializer(stations.history(list(entries)[::-1]), many=True).data


class IncidentPageSerializer(serializers.Serializer[Any]):
    """A page, the newest first; ``next`` is the address of the one after, or null."""

    next = serializers.URLField(allow_null=True)
    results = IncidentSerializer(many=True)


class StatementSerializer(serializers.Serializer[Any]):
    """The tenant's words to the desk."""

    note = serializers.CharField(max_length=LONGEST_STATEMENT)


class JunkReportSerializer(serializers.ModelSerializer[Report]):
    """A report about the tenant's mail; ``why`` are codes of what speaks for its strength."""

    number = serializers.IntegerField(source="pk", read_only=True)
    is_proved = serializers.SerializerMethodField()
    why = serializers.ListField(child=serializers.CharField(), read_only=True)
    incident = serializers.IntegerField(source="incident_id", allow_null=True, read_only=True)
    subject = serializers.SerializerMethodField()
    message_id = serializers.SerializerMethodField()
    complaints = serializers.IntegerField(source="incidents", read_only=True)

    class Meta:
        model = Report
        fields = [
            "number", "read_at", "filed", "feedback_class", "strength", "is_proved", "why",
            "incident", "source_address", "from_domain", "subject", "message_id", "arrived_at",
            "complaints",
        ]  # fmt: skip
        read_only_fields = fields

    def get_is_proved(self, report: Report) -> bool:
        return report.strength in PROVED

    def get_subject(self, report: Report) -> str:
        return arf.subject(report)

    def get_message_id(self, report: Report) -> str:
        return arf.message_id(report)


class WholeReportSerializer(JunkReportSerializer):
    """A report with the message, redacted, and the whole as ARF (RFC 5965); "" once forgotten."""

    message = serializers.SerializerMethodField()
    arf = serializers.SerializerMethodField()

    class Meta(JunkReportSerializer.Meta):
        fields = [*JunkReportSerializer.Meta.fields, "message", "arf"]
        read_only_fields = fields

    def get_message(self, report: Report) -> str:
        return arf.redacted(report)

    def get_arf(self, report: Report) -> str:
        return copies.eml(report).decode("ascii", "replace") if report.evidence else ""


class JunkReportPageSerializer(serializers.Serializer[Any]):
    """A page, the newest first; ``next`` is the address of the one after, or null."""

    next = serializers.URLField(allow_null=True)
    results = JunkReportSerializer(many=True)
