"""When a step is due: agents look, the operator changes; nothing of the table is ever lost."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from abuse.admin.forms import ThresholdForm
from abuse.admin.tables import OperatorsTable
from abuse.models import Threshold
from customers.access import actor_of
from escalation.desk import InForce


@admin.register(Threshold)
class ThresholdAdmin(OperatorsTable[Threshold]):
    """The table as it stands; a change ends the row and makes a new one."""

    form = ThresholdForm
    list_display = (
        "shown", "window_days", "enrolled", "anonymous", "per_1000", "is_automatic", "made_by",
        "made_at", "ended_at",
    )  # fmt: skip
    list_filter = (InForce, "step")
    list_select_related = ("made_by",)
    ordering = ["ended_at", "feedback_class", "pk"]
    actions = ("end",)

    @admin.display(description=gettext_lazy("step and class"))
    def shown(self, row: Threshold) -> str:
        kind = row.get_feedback_class_display() if row.feedback_class else _("every class")
        return f"{row.get_step_display()}: {kind}"

    def get_fields(self, request: HttpRequest, obj: Threshold | None = None) -> Any:
        own = ThresholdForm.Meta.fields
        return own if obj is None else (*own, "made_by", "made_at", "ended_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Threshold | None = None) -> Any:
        return () if obj is None else ("step", "feedback_class", "made_by", "made_at", "ended_at")

    def has_change_permission(self, request: HttpRequest, row: Threshold | None = None) -> bool:
        """Only rows that still count."""
        return super().has_change_permission(request) and (row is None or row.ended_at is None)

    def has_end_permission(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request)

    def save_model(self, request: HttpRequest, obj: Threshold, form: Any, change: bool) -> None:
        """End the row, and make the changed one beside it."""
        with transaction.atomic():
            if change:
                Threshold.objects.filter(pk=obj.pk, ended_at=None).update(ended_at=timezone.now())
                obj.pk, obj._state.adding = None, True
            obj.made_by, obj.made_at = actor_of(request).person(), timezone.now()
            obj.ended_at = None
            obj.save(force_insert=True)

    def response_change(self, request: HttpRequest, obj: Threshold) -> HttpResponse:
        self.message_user(request, _("The threshold counts from now on."), messages.SUCCESS)
        return self.response_post_save_change(request, obj)

    @admin.action(description=gettext_lazy("End the threshold"), permissions=["end"])
    def end(self, request: HttpRequest, queryset: QuerySet[Threshold]) -> None:
        """A class goes by the row for every class again; without that one the step never is due."""
        live = list(queryset.filter(ended_at=None))
        for row in live:
            self.log_change(request, row, _("ended"))
        n = Threshold.objects.filter(pk__in=[row.pk for row in live]).update(
            ended_at=timezone.now()
        )
        words = ngettext("%d threshold ended.", "%d thresholds ended.", n)
        self.message_user(request, words % n, messages.SUCCESS)
