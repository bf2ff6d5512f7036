"""What is ours, and who tells us: keys, ranges, volumes, enrolled reporters, feedback loops."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from abuse import loops
from abuse.admin.forms import AddressRangeForm, ReporterForm, SigningKeyForm
from abuse.admin.tables import OperatorsTable, Table, tenants_like
from abuse.models import AddressRange, Loop, Reporter, SentVolume, SigningKey
from escalation import prefixes
from escalation.errors import Refused
from mailroom.recipients import domain_name

STILL = ("valid_until", admin.EmptyFieldListFilter)


def _by_domain(queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
    if not term.strip():
        return queryset
    return queryset.filter(domain=domain_name(term.strip().rstrip(".")) or "-")


@admin.register(SigningKey)
class SigningKeyAdmin(OperatorsTable[SigningKey]):
    """Kept for good; of a key that is there only whose it is and its end are written."""

    form = SigningKeyForm
    list_display = ("domain", "selector", "tenant", "source", "valid_from", "valid_until")
    list_filter = (STILL, "source")
    list_select_related = ("tenant",)
    search_fields = ("domain",)
    search_help_text = gettext_lazy("A domain (d=)")

    def get_fields(self, request: HttpRequest, obj: SigningKey | None = None) -> Any:
        own = SigningKeyForm.Meta.fields
        return own if obj is None else (*own, "source")

    def get_readonly_fields(self, request: HttpRequest, obj: SigningKey | None = None) -> Any:
        return () if obj is None else ("domain", "selector", "record", "valid_from", "source")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[SigningKey], search_term: str
    ) -> tuple[QuerySet[SigningKey], bool]:
        return _by_domain(queryset, search_term), False


@admin.register(AddressRange)
class AddressRangeAdmin(OperatorsTable[AddressRange]):
    """A range that changes hands ends, and begins anew as another row."""

    form = AddressRangeForm
    list_display = ("prefix", "tenant", "valid_from", "valid_until")
    list_filter = (STILL,)
    list_select_related = ("tenant",)
    search_fields = ("prefix",)
    search_help_text = gettext_lazy("An address or a prefix: what covers it")
    actions = ("end",)

    def get_fields(self, request: HttpRequest, obj: AddressRange | None = None) -> Any:
        return AddressRangeForm.Meta.fields

    def get_readonly_fields(self, request: HttpRequest, obj: AddressRange | None = None) -> Any:
        return () if obj is None else ("tenant", "prefix", "valid_from")

    def has_end_permission(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AddressRange], search_term: str
    ) -> tuple[QuerySet[AddressRange], bool]:
        if not search_term.strip():
            return queryset, False
        try:
            first, last = prefixes.keys(prefixes.parse_prefix(search_term))
        except Refused:
            return queryset.none(), False
        return queryset.filter(first__lte=first, last__gte=last), False

    @admin.action(description=gettext_lazy("End: theirs no longer"), permissions=["end"])
    def end(self, request: HttpRequest, queryset: QuerySet[AddressRange]) -> None:
        now = timezone.now()
        live = list(queryset.filter(valid_until=None, valid_from__lt=now))
        for row in live:
            self.log_change(request, row, _("ended"))
        n = AddressRange.objects.filter(pk__in=[row.pk for row in live]).update(valid_until=now)
        words = ngettext("%d range ended.", "%d ranges ended.", n)
        self.message_user(request, words % n, messages.SUCCESS)


@admin.register(Reporter)
class ReporterAdmin(OperatorsTable[Reporter]):
    """Who is enrolled; the domain is who they are, and stays."""

    form = ReporterForm
    list_display = ("name", "domain", "mailbox", "border", "ended_at")
    list_filter = (("ended_at", admin.EmptyFieldListFilter),)
    search_fields = ("domain",)
    search_help_text = gettext_lazy("A domain (d=)")
    actions = ("end", "enrol_again")

    def get_fields(self, request: HttpRequest, obj: Reporter | None = None) -> Any:
        own = ReporterForm.Meta.fields
        return own if obj is None else (*own, "ended_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Reporter | None = None) -> Any:
        return () if obj is None else ("domain", "ended_at")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Reporter], search_term: str
    ) -> tuple[QuerySet[Reporter], bool]:
        return _by_domain(queryset, search_term), False

    def has_end_permission(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request)

    @admin.action(description=gettext_lazy("End: trusted no longer"), permissions=["end"])
    def end(self, request: HttpRequest, queryset: QuerySet[Reporter]) -> None:
        self._set_end(request, queryset.filter(ended_at=None), _("ended"), timezone.now())

    @admin.action(description=gettext_lazy("Enrol again"), permissions=["end"])
    def enrol_again(self, request: HttpRequest, queryset: QuerySet[Reporter]) -> None:
        self._set_end(request, queryset.exclude(ended_at=None), _("enrolled again"), None)

    def _set_end(
        self, request: HttpRequest, rows: QuerySet[Reporter], done: str, ended_at: Any
    ) -> None:
        changed = list(rows)
        for row in changed:
            self.log_change(request, row, done)
        n = Reporter.objects.filter(pk__in=[row.pk for row in changed]).update(ended_at=ended_at)
        words = ngettext("%d reporter changed.", "%d reporters changed.", n)
        self.message_user(request, words % n, messages.SUCCESS)


@admin.register(SentVolume)
class SentVolumeAdmin(Table[SentVolume]):
    """Brought in by ``manage.py volumes``; looked at here."""

    list_display = ("tenant", "day", "messages")
    list_select_related = ("tenant",)
    search_fields = ("tenant__name",)
    search_help_text = gettext_lazy("The beginning of a tenant’s name, or one of its domains")
    fields = ("tenant", "day", "messages")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[SentVolume], search_term: str
    ) -> tuple[QuerySet[SentVolume], bool]:
        term = search_term.strip()
        return (queryset.filter(tenant__in=tenants_like(term)) if term else queryset), False


@admin.register(Loop)
class LoopAdmin(Table[Loop]):
    """Who gets copies; agents end them."""

    list_display = ("domain", "email", "tenant", "asked_at", "proved_at", "ended_at")
    list_filter = (
        ("proved_at", admin.EmptyFieldListFilter),
        ("ended_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("tenant",)
    search_fields = ("domain",)
    search_help_text = gettext_lazy("A domain (d=)")
    actions = ("end",)
    fields = ("domain", "email", "tenant", "language", "asked_at", "proved_at", "ended_at")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Loop], search_term: str
    ) -> tuple[QuerySet[Loop], bool]:
        return _by_domain(queryset, search_term), False

    @admin.action(description=gettext_lazy("End: no more copies"), permissions=["act"])
    def end(self, request: HttpRequest, queryset: QuerySet[Loop]) -> None:
        live = list(queryset.filter(ended_at=None))
        for row in live:
            loops.end(row)
            self.log_change(request, row, _("ended"))
        words = ngettext("%d feedback loop ended.", "%d feedback loops ended.", len(live))
        self.message_user(request, words % len(live), messages.SUCCESS)
