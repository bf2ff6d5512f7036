"""Letters at the desk, to be read and sent again; mail in, as it came, to be read again."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from escalation import owed, queue
from escalation.desk import ForAgents
from escalation.errors import Refused
from escalation.paging import UncountedPaginator
from mailroom import actions
from mailroom.files import attachment
from mailroom.models import Letter, Received
from mailroom.receiving import sweep_of
from mailroom.unread import unread_in_words

SHOWN = 64 * 1024  # bytes of a mail that the page shows


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


class ReadFilter(admin.SimpleListFilter):
    """The queue of mails that could not be read, and those that wait; each has an index."""

    title = _("reading")
    parameter_name = "is"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> Iterable[tuple[str, Any]]:
        return [("unread", _("not read")), ("waiting", _("waiting"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Received]) -> QuerySet[Received]:
        if self.value() == "unread":
            return queryset.exclude(unread="")
        if self.value() == "waiting":
            return queryset.filter(due_at__isnull=False)
        return queryset


@admin.register(Received)
class ReceivedAdmin(ForAgents, admin.ModelAdmin[Received]):
    """Mail in: what could not be read, why, and the mail as it came, for whoever looks into it."""

    list_display = ["received_at", "purpose", "channel", "mail_from", "size", "copies", "reading"]
    list_display_links = ["received_at"]
    list_filter = [ReadFilter, "purpose"]
    list_per_page = 50
    ordering = ["-pk"]
    paginator = UncountedPaginator
    show_full_result_count = False
    actions = ["read_again"]
    fields = readonly_fields = (
        "received_at", "purpose", "channel", "mail_from", "recipient", "size", "copies", "reading",
        "attempts", "last_error", "as_it_came", "download",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Received]:
        return super().get_queryset(request).defer("raw")

    def get_urls(self) -> Any:
        view = self.admin_site.admin_view(self.raw)
        return [path("<int:pk>/raw/", view, name="mailroom_received_raw"), *super().get_urls()]

    @admin.display(description=_("reading"))
    def reading(self, mail: Received) -> str:
        if mail.unread:
            return unread_in_words(mail.unread)
        return gettext("waiting") if mail.due_at else gettext("read")

    @admin.display(description=_("as it came"))
    def as_it_came(self, mail: Received) -> str:
        if not mail.raw:
            return gettext("It was deleted after its time.")
        text = bytes(mail.raw[:SHOWN]).decode("utf-8", "replace")
        shown = "".join(c if c.isprintable() or c in "\n\t" else "·" for c in text)
        return format_html('<pre class="raw">{}</pre>', shown)

    @admin.display(description=_("download"))
    def download(self, mail: Received) -> str:
        if not mail.pk or not mail.raw:
            return "–"
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:mailroom_received_raw", args=[mail.pk]),
            gettext("The whole mail, %s bytes") % mail.size,
        )  # fmt: skip

    def raw(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The mail as a file that no browser opens."""
        mail = get_object_or_404(Received.objects.exclude(raw=b""), pk=pk)
        return attachment(bytes(mail.raw), f"mail-{mail.pk}.eml.txt")

    @admin.action(description=_("Read again"), permissions=["act"])
    def read_again(self, request: HttpRequest, queryset: QuerySet[Received]) -> None:
        """Have what could not be read come to the readers once more, after a fix."""
        again = list(queryset.exclude(unread="").exclude(raw=b""))
        for mail in again:
            with transaction.atomic():
                Received.objects.filter(pk=mail.pk).update(unread="")
                owed.owe(mail)
                queue.nudge(sweep_of(mail.purpose))
            self.log_change(request, mail, gettext("Read again"))
        n = len(again)
        done = ngettext("%(n)d mail is read again.", "%(n)d mails are read again.", n) % {"n": n}
        self.message_user(request, done, messages.SUCCESS if n else messages.WARNING)
