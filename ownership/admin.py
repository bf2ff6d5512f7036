"""Owners at the desk: to be read; a proof is revoked, and the stop list kept, with a reason."""

from collections.abc import Iterable
from typing import Any, TypeVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from customers.access import actor_of
from escalation import prefixes
from escalation.desk import ForAgents
from escalation.errors import Refused
from escalation.history import HistoryInline
from escalation.paging import UncountedPaginator
from ownership import actions
from ownership.lifecycle import REQUEST, State
from ownership.models import Contact, Network, NetworkContact, Proof, Request, RequestEntry

Row = TypeVar("Row", bound=Model)


class Shown(ForAgents, admin.ModelAdmin[Row]):
    """A table of any size, the newest first."""

    paginator = UncountedPaginator
    show_full_result_count = False
    list_per_page = 50
    ordering = ["-pk"]


class PlaceInline(ForAgents, admin.TabularInline[NetworkContact, Model]):
    model = NetworkContact
    readonly_fields = [
        "position", "contact", "network", "roles", "score", "flags", "source", "listed",
    ]  # fmt: skip
    fields = tuple(readonly_fields)
    ordering = ["position"]
    extra = 0
    verbose_name = verbose_name_plural = _("places in the registry")

    def get_queryset(self, request: HttpRequest) -> QuerySet[NetworkContact]:
        return super().get_queryset(request).select_related("contact", "network")


class EntryInline(ForAgents, HistoryInline):
    model = RequestEntry
    lifecycle = REQUEST


def covering(queryset: QuerySet[Any], term: str) -> QuerySet[Any] | None:
    """The rows of ``queryset`` whose range holds the address or prefix searched for."""
    try:
        first, last = prefixes.keys(prefixes.parse_prefix(term))
    except prefixes.NotAnAddress:
        return None
    return queryset.filter(first__lte=first, last__gte=last)


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "is"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> Iterable[tuple[str, Any]]:
        return [(state.value, state.label) for state in State]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Request]) -> QuerySet[Request]:
        return queryset.filter(state=self.value()) if self.value() else queryset


@admin.register(Request)
class RequestAdmin(Shown[Request]):
    list_display = ["contact", "network", "state", "opened_at", "sent_at", "expires_at"]
    list_filter = [StateFilter]
    list_select_related = ["contact", "network"]
    search_fields = ["contact__email__startswith"]
    search_help_text = _("The beginning of the contact’s address")
    readonly_fields = [
        "contact", "network", "state", "state_since", "depth", "forwarded_from", "opened_at",
        "sent_at", "reminded_at", "expires_at",
    ]  # fmt: skip
    inlines = [EntryInline]


class StoppedFilter(admin.SimpleListFilter):
    title = _("stop list")
    parameter_name = "is"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> Iterable[tuple[str, Any]]:
        return [("stopped", _("asked us to stop")), ("bounced", _("refused a letter"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Contact]) -> QuerySet[Contact]:
        if self.value() == "stopped":
            return queryset.filter(stopped_at__isnull=False)
        return queryset.filter(bounced_until__isnull=False) if self.value() else queryset


@admin.register(Contact)
class ContactAdmin(Shown[Contact]):
    list_display = ["email", "is_person", "stopped_at", "bounced_until"]
    list_filter = [StoppedFilter]
    search_fields = ["email__startswith"]
    search_help_text = _("The beginning of the address")
    readonly_fields = ["email", "is_person", "stopped_at", "bounced_until"]
    inlines = [PlaceInline]
    actions = ["stop", "allow"]

    @admin.action(description=_("Do not write to them any more"), permissions=["act"])
    def stop(self, request: HttpRequest, queryset: QuerySet[Contact]) -> None:
        for contact in queryset:
            actions.stop_writing_to(contact)
            self.log_change(request, contact, gettext("Put on the stop list"))

    @admin.action(description=_("Allow letters again"), permissions=["act"])
    def allow(self, request: HttpRequest, queryset: QuerySet[Contact]) -> None:
        for contact in queryset:
            actions.allow_writing_to(contact)
            self.log_change(request, contact, gettext("Taken off the stop list"))


@admin.register(Network)
class NetworkAdmin(Shown[Network]):
    list_display = ["range", "organisation", "handle", "registry", "country", "read_at"]
    search_fields = ["handle__startswith"]
    search_help_text = _("An address, a prefix, or the beginning of a handle")
    readonly_fields = [
        "range", "handle", "registry", "name", "type", "country", "organisation", "org_handle",
        "parent", "flags", "registered_at", "changed_at", "url", "chain", "sha256", "read_at",
    ]  # fmt: skip
    inlines = [PlaceInline]

    @admin.display(description=_("range"))
    def range(self, network: Network) -> str:
        return network.range

    def get_queryset(self, request: HttpRequest) -> QuerySet[Network]:
        return super().get_queryset(request).defer("document_gz")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Network], search_term: str
    ) -> tuple[QuerySet[Network], bool]:
        found = covering(queryset, search_term)
        if found is not None:
            return found, False
        return super().get_search_results(request, queryset, search_term)


class ReasonForm(ActionForm):
    """The reason that goes with revoking a proof."""

    reason = forms.CharField(label=_("Reason"), required=False, max_length=1000)


@admin.register(Proof)
class ProofAdmin(Shown[Proof]):
    list_display = [
        "range", "level", "method", "network", "verified_at", "expires_at", "revoked_at",
    ]  # fmt: skip
    list_select_related = ["network"]
    search_fields = ["provenance"]
    search_help_text = _("An address or a prefix")
    readonly_fields = [
        "range", "level", "method", "network", "flags", "provenance", "verified_at", "expires_at",
        "revoked_at", "revoked_by", "revoke_reason",
    ]  # fmt: skip
    action_form = ReasonForm
    actions = ["revoke"]

    @admin.display(description=_("range"))
    def range(self, proof: Proof) -> str:
        return proof.range

    @admin.action(description=_("Revoke, for the reason given here"), permissions=["act"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Proof]) -> None:
        reason = request.POST.get("reason", "")
        for proof in queryset:
            try:
                actions.revoke_proof(proof, actor_of(request), reason)
            except Refused as refusal:
                self.message_user(request, f"{proof}: {refusal.message}", messages.ERROR)
            else:
                self.log_change(request, proof, gettext("Revoked: %s") % reason)
                self.message_user(request, f"{proof}: {gettext('revoked')}", messages.SUCCESS)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Proof], search_term: str
    ) -> tuple[QuerySet[Proof], bool]:
        found = covering(queryset, search_term)
        if found is not None:
            return found, False
        if search_term:
            message = gettext("“%s” is neither an address nor a prefix.") % search_term
            self.message_user(request, message, messages.WARNING)
            return queryset.none(), False
        return queryset, False
