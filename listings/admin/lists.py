"""Listings and exceptions at the desk: looked up, added to by hand, let in."""

import uuid
from typing import Any, TypeVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.access import actor_of
from escalation import prefixes
from escalation.desk import ForAgents
from escalation.errors import Refused
from escalation.history import HistoryInline
from escalation.paging import UncountedPaginator
from listings import actions, blast
from listings.admin.rows import one_by_one
from listings.lifecycle import LISTING, State
from listings.models import Listing, ListingEntry, ListingException

Row = TypeVar("Row", bound=Model)


class SearchedByPrefix(ForAgents, admin.ModelAdmin[Row]):
    """A search box that takes an address or a prefix: what covers it, and what lies in it."""

    search_fields = ("prefix",)
    search_help_text = gettext_lazy("An address or a prefix: what covers it and what lies in it")

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Row]", search_term: str
    ) -> "tuple[QuerySet[Row], bool]":
        if not search_term.strip():
            return queryset, False
        try:
            prefix = prefixes.parse_prefix(search_term)
        except Refused:
            return queryset.none(), False
        first, last = prefixes.keys(prefix)
        inside = Q(family=prefix.version, first__gte=first, first__lte=last)
        inside &= Q(length__gte=prefix.prefixlen)
        return queryset.filter(Q(prefix__in=prefixes.covering(prefix)) | inside), False


class EntryInline(ForAgents, HistoryInline):
    model = ListingEntry
    lifecycle = LISTING


class ExceptionInline(ForAgents, admin.TabularInline[ListingException, Listing]):
    model = ListingException
    fields = readonly_fields = ("prefix", "reason", "made_at", "ended_at", "serial")
    extra = 0


MOST_AT_ONCE = 20  # listings that one press of a button lets in


class NoteForm(ActionForm):
    """The step on the ticked listings, and why."""

    note = forms.CharField(label=gettext_lazy("Note"), max_length=200, required=False)


class ListingForm(forms.ModelForm[Listing]):
    """A prefix to be listed by hand: first it waits, and shows what it would hit."""

    class Meta:
        model = Listing
        fields = ("prefix", "reason_class", "source", "evidence", "expires_at")

    def clean_prefix(self) -> str:
        try:
            prefix = prefixes.parse_prefix(self.cleaned_data["prefix"])
        except Refused as refusal:
            raise forms.ValidationError(refusal.message) from refusal
        if reason := actions.why_not_listable(prefix):
            raise forms.ValidationError(reason)
        return str(prefix)


@admin.register(Listing)
class ListingAdmin(SearchedByPrefix[Listing]):
    form = ListingForm
    list_display = ("shown", "state", "reason_class", "source", "listed_at", "expires_at", "hits")
    list_filter = ("state", "reason_class", "family")
    list_per_page = 50
    ordering = ("-pk",)
    paginator = UncountedPaginator
    show_full_result_count = False
    inlines = (ExceptionInline, EntryInline)
    actions = ("activate", "cancel", "let_in", "list_again")
    action_form = NoteForm

    def get_fields(self, request: HttpRequest, obj: Listing | None = None) -> Any:
        by_hand = ListingForm.Meta.fields
        return by_hand if obj is None else (
            *by_hand, "state", "state_since", "listed_at", "hits", "last_hit_at", "gone_serial"
        )  # fmt: skip

    def get_inlines(self, request: HttpRequest, obj: Listing | None) -> Any:
        return self.inlines if obj else ()

    def has_add_permission(self, request: HttpRequest, row: Any = None) -> bool:
        return self.has_view_permission(request)

    def save_model(self, request: HttpRequest, obj: Listing, form: Any, change: bool) -> None:
        given = form.cleaned_data
        made = actions.add(
            prefixes.parse_prefix(given["prefix"]),
            actor=actor_of(request),
            reason_class=given["reason_class"],
            source=given["source"],
            evidence=given["evidence"],
            expires_at=given["expires_at"],
            activate=False,
        )
        obj.pk = made.pk
        obj.refresh_from_db()

    def response_add(
        self, request: HttpRequest, obj: Listing, post_url_continue: str | None = None
    ) -> HttpResponse:
        """On to what it would hit, and to the button."""
        return redirect("admin:listings_listing_change", obj.pk)

    def get_urls(self) -> list[Any]:
        activate = self.admin_site.admin_view(self.activate_view)
        return [
            path("<int:pk>/activate/", activate, name="listings_listing_activate"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        pending = Listing.objects.filter(pk=_number(object_id), state=State.PENDING).first()
        known = {"blast": blast.of(pending.network)} if pending is not None else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **known})

    def activate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Let a pending listing count, or drop it."""
        listing = get_object_or_404(Listing, pk=pk)
        if request.method == "POST" and self.has_act_permission(request):
            drop = request.POST.get("step") == "cancel"
            act = actions.cancel if drop else actions.activate
            try:
                act(listing, actor=actor_of(request))
            except Refused as refusal:
                self.message_user(request, refusal.message, messages.ERROR)
            else:
                words = _("%s was dropped.") if drop else _("%s is active: its mail is refused.")
                self.log_change(request, listing, words % listing)
                self.message_user(request, words % listing, messages.SUCCESS)
        return redirect("admin:listings_listing_change", pk)

    @admin.display(description=gettext_lazy("prefix"), ordering="first")
    def shown(self, listing: Listing) -> str:
        return str(listing)

    @admin.action(description=gettext_lazy("Let in"), permissions=["act"])
    def let_in(self, request: HttpRequest, queryset: "QuerySet[Listing]") -> None:
        def take_out(listing: Listing) -> None:
            if listing.needs_two_agents:
                raise Refused(
                    _("A wide prefix, or one listed by hand, needs two agents: open a case.")
                )
            with transaction.atomic():
                actions.take_out(
                    listing.network,
                    actor=actor_of(request),
                    reason=note,
                    key=f"desk:{uuid.uuid4()}",
                )

        if note := self._note_for(request, queryset):
            one_by_one(self, request, queryset, take_out, _("let in"))

    def _note_for(self, request: HttpRequest, queryset: "QuerySet[Listing]") -> str:
        """Why by hand; "" after a message that says what is missing."""
        note = request.POST.get("note", "").strip()[:200]
        if not note:
            self.message_user(request, _("Say why, in the note beside the step."), messages.ERROR)
        elif queryset[: MOST_AT_ONCE + 1].count() > MOST_AT_ONCE:
            words = _("At most %d listings can be let in at once.") % MOST_AT_ONCE
            self.message_user(request, words, messages.ERROR)
        else:
            return note
        return ""

    @admin.action(description=gettext_lazy("Activate"), permissions=["act"])
    def activate(self, request: HttpRequest, queryset: "QuerySet[Listing]") -> None:
        def begin(listing: Listing) -> None:
            actions.activate(listing, actor=actor_of(request))

        one_by_one(self, request, queryset, begin, _("activated"))

    @admin.action(description=gettext_lazy("Drop what is pending"), permissions=["act"])
    def cancel(self, request: HttpRequest, queryset: "QuerySet[Listing]") -> None:
        def drop(listing: Listing) -> None:
            actions.cancel(listing, actor=actor_of(request))

        one_by_one(self, request, queryset, drop, _("dropped"))

    @admin.action(description=gettext_lazy("List again"), permissions=["act"])
    def list_again(self, request: HttpRequest, queryset: "QuerySet[Listing]") -> None:
        def relist(listing: Listing) -> None:
            actions.relist(listing, actor=actor_of(request), note=_("by hand at the desk"))

        one_by_one(self, request, queryset, relist, _("listed again"))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


@admin.register(ListingException)
class ExceptionAdmin(SearchedByPrefix[ListingException]):
    list_display = ("prefix", "listing", "reason", "made_at", "ended_at", "serial")
    list_select_related = ("listing",)
    list_per_page = 50
    ordering = ("-pk",)
    paginator = UncountedPaginator
    show_full_result_count = False
    fields = ("listing", "prefix", "reason", "made_at", "ended_at", "serial")
