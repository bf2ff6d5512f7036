"""The history of a row on the desk: every step and state by the name that people read."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from escalation.lifecycle import AbstractEntry, Lifecycle


class HistoryInline(admin.TabularInline[Any, Any]):
    """Under a row: what happened to it, oldest first.  Give it ``model`` and ``lifecycle``."""

    lifecycle: Lifecycle
    fields = readonly_fields = ("happened_at", "step", "before", "after", "role", "user", "note")
    ordering = ("pk",)
    extra = 0
    verbose_name = _("step")
    verbose_name_plural = _("history")

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).select_related("user")

    @admin.display(description=_("step"))
    def step(self, entry: AbstractEntry) -> str:
        return str(self.lifecycle.events(entry.event).label)

    @admin.display(description=_("from"))
    def before(self, entry: AbstractEntry) -> str:
        return str(self.lifecycle.states(entry.source).label)

    @admin.display(description=_("to state"))
    def after(self, entry: AbstractEntry) -> str:
        return str(self.lifecycle.states(entry.target).label)
