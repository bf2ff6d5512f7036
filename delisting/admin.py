"""The policy table and the requests, at the desk."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.access import actor_of
from delisting.lifecycle import DELIST_REQUEST
from delisting.models import BY_SENDER, DelistRequest, Referral, RequestEntry, Rule, Way
from escalation import prefixes
from escalation.desk import ForAgents, InForce
from escalation.errors import Refused
from escalation.history import HistoryInline
from escalation.paging import UncountedPaginator


class RuleForm(forms.ModelForm[Rule]):
    """What one field of the table shall say from now on."""

    class Meta:
        model = Rule
        fields = ("way", "wait_hours", "window_days", "names_agree", "hits_allowed", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "note" in self.fields:  # an ended row is only looked at
            self.initial["note"] = ""  # each change has a reason of its own
            self.fields["note"].required = True

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("way") == Way.WAIT and not given.get("wait_hours"):
            self.add_error("wait_hours", _("Say how many hours it waits."))
        if given.get("way") not in BY_SENDER and given.get("names_agree"):
            self.add_error("names_agree", _("Only what senders lift themselves looks at names."))
        return given


@admin.register(Rule)
class RuleAdmin(ForAgents, admin.ModelAdmin[Rule]):
    """The table as it stands; a change ends the row and makes a new one: nothing is lost."""

    form = RuleForm
    list_display = (
        "reason_class", "nth", "way", "wait_hours", "window_days", "names_agree", "hits_allowed",
        "made_by", "ended_at",
    )  # fmt: skip
    list_filter = (InForce, "reason_class")
    list_select_related = ("made_by",)
    list_per_page = 50
    ordering = ("ended_at", "reason_class", "nth", "-pk")

    def get_fields(self, request: HttpRequest, obj: Rule | None = None) -> Any:
        return ("reason_class", "nth", *RuleForm.Meta.fields, "made_by", "made_at", "ended_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Rule | None = None) -> Any:
        return ("reason_class", "nth", "made_by", "made_at", "ended_at")

    def has_change_permission(self, request: HttpRequest, row: Any = None) -> bool:
        """The operator changes the policy, and only rows that still count."""
        may = bool(request.user.is_superuser) and self.has_view_permission(request)
        return may and (row is None or row.ended_at is None)

    def save_model(self, request: HttpRequest, obj: Rule, form: Any, change: bool) -> None:
        """End the row, and make the changed one beside it."""
        with transaction.atomic():
            Rule.objects.filter(pk=obj.pk, ended_at=None).update(ended_at=timezone.now())
            obj.pk, obj._state.adding = None, True
            obj.made_by, obj.made_at, obj.ended_at = (
                actor_of(request).person(),
                timezone.now(),
                None,
            )
            obj.save(force_insert=True)

    def response_change(self, request: HttpRequest, obj: Rule) -> HttpResponse:
        self.message_user(request, _("The rule counts from now on."), messages.SUCCESS)
        return self.response_post_save_change(request, obj)


class EntryInline(ForAgents, HistoryInline):
    model = RequestEntry
    lifecycle = DELIST_REQUEST


@admin.register(DelistRequest)
class DelistRequestAdmin(ForAgents, admin.ModelAdmin[DelistRequest]):
    """What strangers have asked: looked at, not changed."""

    list_display = ("shown", "state", "email", "asked_at", "nth", "proof", "outcome", "relisted_at")
    list_filter = ("state", "proof")
    list_per_page = 50
    ordering = ("-pk",)
    paginator = UncountedPaginator
    show_full_result_count = False
    search_fields = ("prefix",)
    inlines = (EntryInline,)
    fields = readonly_fields = (
        "prefix", "listing", "state", "state_since", "asked_at", "email", "language", "changed",
        "proof", "rule", "nth", "holder_since", "names_agree", "cool_until", "serial", "outcome",
        "relisted_at", "letter",
    )  # fmt: skip

    @admin.display(description=gettext_lazy("prefix"), ordering="prefix")
    def shown(self, row: DelistRequest) -> str:
        return str(row)

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[DelistRequest]", search_term: str
    ) -> "tuple[QuerySet[DelistRequest], bool]":
        """An address, or a mailbox: each by its index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if "@" in term:
            return queryset.filter(email=term), False
        try:
            prefix = prefixes.parse_prefix(term)
        except Refused:
            return queryset.none(), False
        return queryset.filter(prefix__in=prefixes.covering(prefix)), False


@admin.register(Referral)
class ReferralAdmin(ForAgents, admin.ModelAdmin[Referral]):
    """Links to pass on: what they hold, and until when."""

    list_display = ("prefix", "recipient", "sender_email", "made_at", "expires_at")
    list_per_page = 50
    ordering = ("-pk",)
    paginator = UncountedPaginator
    show_full_result_count = False
    fields = readonly_fields = (
        "prefix", "recipient", "sender_email", "reply", "statement", "made_at", "expires_at",
    )  # fmt: skip
