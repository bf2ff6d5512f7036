"""How much each tenant sent on a day: rows of a CSV file, told as often as one likes."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from abuse.assigning import NoSuchTenant, tenant_named
from abuse.models import SentVolume
from customers.models import Tenant

MOST_LINES: Final = 1_000_000  # of one file
MOST_MESSAGES: Final = 10**12  # of one tenant and day
LONGEST_LINE: Final = 1000  # characters
OLDEST: Final = timedelta(days=400)
BATCH: Final = 1000  # rows of one statement


@dataclass
class Brought:
    """What became of a file: rows kept, and each line that was not, with its number and why."""

    kept: int = 0
    bad: list[tuple[int, str]] = field(default_factory=list)


class BadLine(ValueError):
    """A line that says nothing we can keep; the words say why."""


def bring_in(lines: Iterable[str]) -> Brought:
    """Keep each line ``tenant-or-domain,day,messages``; a day that is told again is replaced.

    All good lines, in one transaction.  The day is YYYY-MM-DD; a first line that begins with
    ``tenant`` is a heading; empty lines and those that begin with # are left out.
    """
    told, found = Brought(), dict[tuple[int, date], int]()
    tenants: dict[str, Tenant | None] = {}
    for number, line in _numbered(lines):
        try:
            tenant_id, day, messages = _read(line, tenants)
        except BadLine as error:
            told.bad.append((number, str(error)))
        else:
            found[tenant_id, day] = messages  # the last one counts
    rows = [
        SentVolume(tenant_id=tenant_id, day=day, messages=messages)
        for (tenant_id, day), messages in sorted(found.items())
    ]
    with transaction.atomic():
        SentVolume.objects.bulk_create(
            rows, BATCH, update_conflicts=True, unique_fields=["tenant", "day"],
            update_fields=["messages"],
        )  # fmt: skip
    told.kept = len(rows)
    return told


def _numbered(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    for number, raw in enumerate(lines, 1):
        if number > MOST_LINES:
            raise BadLine(_("The file has more than %d lines: split it.") % MOST_LINES)
        line = raw.strip("\ufeff \t\r\n")
        if line and not line.startswith("#") and not (number == 1 and line.startswith("tenant")):
            yield number, line


def _read(line: str, tenants: dict[str, Tenant | None]) -> tuple[int, date, int]:
    try:
        fields = next(csv.reader([line[:LONGEST_LINE]], strict=True))
    except (csv.Error, StopIteration):
        fields = []
    if len(fields) != 3 or len(line) > LONGEST_LINE:
        raise BadLine(_("Write three fields: tenant or domain, day, messages."))
    name, day, messages = (text.strip() for text in fields)
    return _tenant(name, tenants).pk, _day(day), _number(messages)


def _tenant(name: str, tenants: dict[str, Tenant | None]) -> Tenant:
    if name not in tenants:
        try:
            tenants[name] = tenant_named(name)
        except NoSuchTenant:
            tenants[name] = None
    if (found := tenants[name]) is None:
        raise BadLine(_("No tenant has this domain or name: %s.") % name[:100])
    return found


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise BadLine(_("This is no day: write it as 2026-01-31.")) from error
    today = timezone.now().date()
    if not today - OLDEST <= day <= today + timedelta(days=1):  # clocks and zones differ
        raise BadLine(_("The day lies in the future, or more than %d days back.") % OLDEST.days)
    return day


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text) <= MOST_MESSAGES):
        raise BadLine(_("The number of messages is a whole number, without points or commas."))
    return int(text)
