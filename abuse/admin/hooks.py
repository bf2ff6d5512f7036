"""Calls of the operator's hook: what it answered, and what a person must do themselves."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from abuse.admin.tables import Table
from abuse.models import HookCall
from customers.access import actor_of
from escalation import owed
from escalation.errors import Refused
from listings.admin.rows import one_by_one


class NotOpen(Refused):
    """The call was answered, or is about to be made."""

    code = "hook-call-not-open"


class StandingFilter(admin.SimpleListFilter):
    title = gettext_lazy("standing")
    parameter_name = "is"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("not done")), ("parked", _("given up"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[HookCall]) -> QuerySet[HookCall]:
        if self.value() == "open":
            return queryset.filter(done_at=None)
        if self.value() == "parked":
            return queryset.filter(done_at=None, parked_at__isnull=False)
        return queryset


def standing(call: HookCall) -> str:
    """Where a call stands, in words."""
    if call.done_at:
        return _("done")
    if call.parked_at:
        return _("given up")
    return _("waiting") if call.due_at else _("to be done by hand")


@admin.register(HookCall)
class HookCallAdmin(Table[HookCall]):
    list_display = ("what", "incident", "asked_at", "standing", "done_at", "answer")
    list_filter = (StandingFilter, "what")
    list_select_related = ("incident__tenant",)
    actions = ("call_again", "done_by_hand")
    fields = readonly_fields = (
        "what", "incident", "asked_at", "standing", "attempts", "last_error", "parked_at",
        "done_at", "answer",
    )  # fmt: skip

    @admin.display(description=gettext_lazy("standing"))
    def standing(self, call: HookCall) -> str:
        return standing(call)

    @admin.action(
        description=gettext_lazy("Call again: what was given up, or never called"),
        permissions=["act"],
    )
    def call_again(self, request: HttpRequest, queryset: QuerySet[HookCall]) -> None:
        def again(call: HookCall) -> None:
            with transaction.atomic():
                owed.owe(_open(call))

        one_by_one(self, request, queryset, again, _("called again"))

    @admin.action(description=gettext_lazy("Done by hand"), permissions=["act"])
    def done_by_hand(self, request: HttpRequest, queryset: QuerySet[HookCall]) -> None:
        agent = actor_of(request).person()

        def done(call: HookCall) -> None:
            with transaction.atomic():
                row = _open(call)
                owed.owe_nothing(row)
                words = _("by hand: %s") % agent
                HookCall.objects.filter(pk=row.pk).update(done_at=timezone.now(), answer=words)

        one_by_one(self, request, queryset, done, _("done by hand"))


def _open(call: HookCall) -> HookCall:
    """The call, locked, if nobody is about to make it.  Raises ``NotOpen``."""
    row = HookCall.objects.select_for_update().get(pk=call.pk)
    if row.done_at or (row.due_at and not row.parked_at):
        raise NotOpen(_("It is done, or will be made by itself."))
    return row
