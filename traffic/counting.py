"""Events counted into tallies: a few statements for thousands of lines."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from escalation import prefixes
from traffic.events import Event
from traffic.models import Tally

ROWS = 500  # of one statement
AT_ONCE = 5000  # rows that housekeeping deletes
TABLE = Tally._meta.db_table
COLUMNS = (
    "address", "recipient_domain", "day", "accepted", "refused", "first_refused_at",
    "last_refused_at", "sender", "recipient",
)  # fmt: skip
# Of two batches either may come first: the earliest and the latest refusal stay what they are.
_ROW = f"({', '.join(['%s'] * len(COLUMNS))})"
_ADD = f"""
    INSERT INTO {TABLE} ({", ".join(COLUMNS)}) VALUES <rows>
    ON CONFLICT (address, recipient_domain, day) DO UPDATE SET
        accepted = {TABLE}.accepted + excluded.accepted,
        refused = {TABLE}.refused + excluded.refused,
        first_refused_at = CASE WHEN {TABLE}.first_refused_at < excluded.first_refused_at
            THEN {TABLE}.first_refused_at
            ELSE COALESCE(excluded.first_refused_at, {TABLE}.first_refused_at) END,
        sender = CASE WHEN {TABLE}.last_refused_at > excluded.last_refused_at
            OR excluded.last_refused_at IS NULL THEN {TABLE}.sender ELSE excluded.sender END,
        recipient = CASE WHEN {TABLE}.last_refused_at > excluded.last_refused_at
            OR excluded.last_refused_at IS NULL THEN {TABLE}.recipient
            ELSE excluded.recipient END,
        last_refused_at = CASE WHEN {TABLE}.last_refused_at > excluded.last_refused_at
            THEN {TABLE}.last_refused_at
            ELSE COALESCE(excluded.last_refused_at, {TABLE}.last_refused_at) END"""  # noqa: S608 -- our own names


@dataclass(slots=True)
class Sum:
    """What the events of one tally come to."""

    accepted: int = 0
    refused: int = 0
    first: datetime | None = None
    last: datetime | None = None
    sender: str = ""
    recipient: str = ""

    def add(self, event: Event) -> None:
        if not event.is_refused:
            self.accepted += 1
            return
        self.refused += 1
        if self.first is None or event.at < self.first:
            self.first = event.at
        if self.last is None or event.at >= self.last:
            self.last, self.sender, self.recipient = event.at, event.sender, event.recipient


def add(events: Iterable[Event]) -> None:
    """Add ``events`` to their tallies, in the transaction that notes how far the log is read."""
    sums: dict[tuple[str, str, date], Sum] = {}
    for event in events:
        key = (prefixes.key(event.address), event.recipient_domain, event.at.astimezone(UTC).date())
        if (its := sums.get(key)) is None:
            its = sums[key] = Sum()
        its.add(event)
    rows = [_row(key, sums[key]) for key in sorted(sums)]  # in one order, for whoever else locks
    with connection.cursor() as cursor:
        for start in range(0, len(rows), ROWS):
            some = rows[start : start + ROWS]
            statement = _ADD.replace("<rows>", ", ".join([_ROW] * len(some)))
            cursor.execute(statement, [value for row in some for value in row])


def _row(key: tuple[str, str, date], its: Sum) -> list[Any]:
    address, domain, day = key
    stored = connection.ops.adapt_datetimefield_value
    return [
        address, domain, connection.ops.adapt_datefield_value(day), its.accepted, its.refused,
        stored(its.first) if its.first else None, stored(its.last) if its.last else None,
        its.sender, its.recipient,
    ]  # fmt: skip


def forget() -> int:
    """Delete tallies older than POSTERN_TRAFFIC_DAYS, a bounded number; return how many."""
    before = (timezone.now() - timedelta(days=settings.POSTERN_TRAFFIC_DAYS)).date()
    old = Tally.objects.filter(day__lt=before).values_list("pk", flat=True)[:AT_ONCE]
    return Tally.objects.filter(pk__in=list(old)).delete()[0]
