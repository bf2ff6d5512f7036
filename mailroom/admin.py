"""Letters at the desk: to be read, and sent again when they did not go out."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from escalation.desk import ForAgents
from escalation.errors import Refused
from escalation.paging import UncountedPaginator
from mailroom import actions
from mailroom.models import Letter


class StatusFilter(admin.SimpleListFilter):
    """Letters that want a look; each choice has an index."""

    title = _("status")
    parameter_name = "is"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> Iterable[tuple[str, Any]]:
        return [("waiting", _("waiting")), ("refused", _("refused")), ("parked", _("given up"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Letter]) -> QuerySet[Letter]:
        if self.value() == "waiting":
            return queryset.filter(due_at__isnull=False, parked_at=None)
        if self.value() == "refused":
            return queryset.filter(refused_at__isnull=False)
        if self.value() == "parked":
            return queryset.filter(parked_at__isnull=False)
        return queryset


@admin.register(Letter)
class LetterAdmin(ForAgents, admin.ModelAdmin[Letter]):
    list_display = ["subject", "recipient", "status", "written_at", "kind", "smtp_reply"]
    list_filter = [StatusFilter]
    list_per_page = 50
    search_fields = ["recipient__startswith"]
    search_help_text = _("The beginning of the recipient’s address")
    ordering = ["-pk"]
    paginator = UncountedPaginator
    show_full_result_count = False
    actions = ["send_again"]
    readonly_fields = [
        "recipient", "subject", "body", "status", "language", "kind", "written_at", "tried_at",
        "accepted_at", "refused_at", "cancelled_at", "parked_at", "due_at", "attempts",
        "smtp_code", "smtp_reply", "last_error", "message_id",
    ]  # fmt: skip

    @admin.display(description=_("status"))
    def status(self, letter: Letter) -> str:
        return letter.status_in_words

    @admin.display(description="Message-ID")
    def message_id(self, letter: Letter) -> str:
        return letter.message_id

    @admin.action(description=_("Send again"), permissions=["act"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Letter]) -> None:
        n_sent = 0
        for letter in queryset:
            try:
                actions.send_again(letter)
            except Refused as refusal:
                self.message_user(request, f"{letter}: {refusal.message}", messages.ERROR)
            else:
                n_sent += 1
                self.log_change(request, letter, gettext("Sent again"))
        if n_sent:
            done = ngettext("%(n)d letter is sent again.", "%(n)d letters are sent again.", n_sent)
            self.message_user(request, done % {"n": n_sent}, messages.SUCCESS)
