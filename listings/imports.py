"""Whole files of listings, brought in at once: checked first, then one transaction."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from escalation import prefixes
from escalation.actors import Actor
from escalation.errors import Refused
from escalation.lifecycle import advance_all
from listings import actions, bulk, publishing
from listings.formats.rows import Bad, Row
from listings.lifecycle import Event, State
from listings.models import Listing, ListingEntry, ReasonClass, Removal

BATCH = 2000  # rows in one round
PROLONG = timedelta(days=1)  # an expiry moves only by more, so that a second import is none

LISTING_COLUMNS = (
    "prefix", "family", "first", "after", "length", "reason_class", "source", "evidence",
    "listed_at", "expires_at", "hits", "state", "state_since",
)  # fmt: skip
ENTRY_COLUMNS = (
    "subject", "event", "source", "target", "role", "user", "note", "key", "happened_at",
)  # fmt: skip

Progress = Callable[[int], object]


class TooManyMissing(Refused):
    """A file that would remove more of the list than is likely to be meant."""

    code = "too-many-missing"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person who imports has said for all lines.

    ``source`` names where the listings come from; with ``remove_missing``
    those of that source that the file lacks are removed.  ``again`` lists even
    what was let in lately.
    """

    actor: Actor
    source: str
    reason_class: str = ReasonClass.AUTOMATIC
    expires_at: datetime | None = None
    remove_missing: bool = False
    allow_shrink: bool = False
    again: bool = False


@dataclass(slots=True)
class Outcome:
    """What an import came to, in listings; ``serial`` is the one that has it, if any."""

    added: int = 0
    unchanged: int = 0
    prolonged: int = 0
    relisted: int = 0
    let_in_lately: int = 0
    excepted: int = 0
    removed: int = 0
    serial: int | None = None


def check(found: Iterable[Row | Bad]) -> tuple[list[Row], list[Bad]]:
    """Sort what was read into rows to bring in and lines that cannot be."""
    rows: dict[str, Row] = {}
    bad: list[Bad] = []
    now = timezone.now()
    for row in found:
        if isinstance(row, Bad):
            bad.append(row)
            continue
        before = rows.get(str(row.prefix))
        if before is not None and before.takes_out != row.takes_out:
            bad.append(
                Bad(row.number, f"{row.prefix} is listed and taken out: see {before.number}.")
            )
        elif reason := "" if row.takes_out else actions.why_not_listable(row.prefix):
            bad.append(Bad(row.number, reason))
        elif row.expires_at and row.expires_at <= now:
            bad.append(Bad(row.number, f"{row.prefix} has expired already."))
        elif before is None:  # of two equal lines the first counts, as in rbldnsd
            rows[str(row.prefix)] = row
    return list(rows.values()), bad


def bring_in(rows: Sequence[Row], wishes: Wishes, progress: Progress = lambda n: None) -> Outcome:
    """List the rows of a file, and take out what it takes out: all or nothing.

    What is listed already stays as it is but for a later expiry, so that the
    same file again changes nothing.  Raises ``TooManyMissing``.
    """
    outcome = Outcome()
    lists = [_filled(row, wishes) for row in rows if not row.takes_out]
    with transaction.atomic():
        if not wishes.again:
            lists = _without_lately_let_in(lists, outcome)
        for i in range(0, len(lists), BATCH):
            _bring_in_some(lists[i : i + BATCH], wishes.actor, outcome)
            progress(len(lists[i : i + BATCH]))
        if wishes.remove_missing:
            _remove_missing({str(row.prefix) for row in rows if not row.takes_out}, wishes, outcome)
        _take_out([row for row in rows if row.takes_out], outcome)
        if outcome.added or outcome.relisted or outcome.excepted or outcome.removed:
            outcome.serial = publishing.ask(row.prefix for row in rows)
    return outcome


def _filled(row: Row, wishes: Wishes) -> Row:
    return replace(
        row,
        source=row.source or wishes.source,
        reason_class=row.reason_class or wishes.reason_class,
        expires_at=row.expires_at or wishes.expires_at,
    )


def _without_lately_let_in(rows: list[Row], outcome: Outcome) -> list[Row]:
    """Without what a person has let in during the watch, unless it was seen since then."""
    since = timezone.now() - timedelta(days=settings.POSTERN_WATCH_DAYS)
    lately = dict(Removal.objects.filter(made_at__gt=since).values_list("prefix", "made_at"))
    if not lately:
        return rows
    lengths = {prefixes.parse_prefix(text).prefixlen for text in lately}

    def let_in(row: Row) -> bool:
        over = (n for n in lengths if n <= row.prefix.prefixlen)
        moments = (lately.get(str(row.prefix.supernet(new_prefix=n))) for n in over)
        return any(at and not (row.listed_at and row.listed_at > at) for at in moments)

    kept = [row for row in rows if not let_in(row)]
    outcome.let_in_lately = len(rows) - len(kept)
    return kept


def _bring_in_some(rows: list[Row], actor: Actor, outcome: Outcome) -> None:
    live = Listing.objects.live().filter(prefix__in=[str(row.prefix) for row in rows])
    there = {listing.prefix: listing for listing in live.order_by("pk").select_for_update()}
    new = [row for row in rows if str(row.prefix) not in there]
    _insert(new, actor)
    outcome.added += len(new)
    known = Listing.objects.filter(pk__in=[listing.pk for listing in there.values()])
    back = advance_all(known, Event.ACTIVATE, actor)
    back += advance_all(known, Event.RELIST, actor, gone_serial=None)
    later = sum(_prolong(there.get(str(row.prefix)), row.expires_at) for row in rows)
    outcome.relisted += back
    outcome.prolonged += later
    outcome.unchanged += len(there) - max(back, later)


def _insert(new: list[Row], actor: Actor) -> None:
    """Make listings and history as ``advance`` would leave them, without statements for each."""
    now = timezone.now()
    bulk.insert(Listing, LISTING_COLUMNS, [_values(row, now) for row in new])
    made = Listing.objects.live().filter(prefix__in=[str(row.prefix) for row in new])
    step = (Event.ACTIVATE.value, State.PENDING.value, State.ACTIVE.value, actor.role.value)
    who = actor.user.pk if actor.user else None
    entries = [(pk, *step, who, "", "", now) for pk in made.values_list("pk", flat=True)]
    bulk.insert(ListingEntry, ENTRY_COLUMNS, entries)


def _values(row: Row, now: datetime) -> tuple[Any, ...]:
    return (
        *actions.columns(row.prefix).values(),
        row.reason_class,
        row.source[:100],
        row.evidence,
        row.listed_at or now,
        row.expires_at,
        0,
        State.ACTIVE.value,
        now,
    )


def _prolong(listing: Listing | None, until: datetime | None) -> bool:
    if listing is None or listing.expires_at is None or until is None:
        return False
    if until - listing.expires_at <= PROLONG:
        return False
    Listing.objects.filter(pk=listing.pk).update(expires_at=until)
    return True


def _remove_missing(named: set[str], wishes: Wishes, outcome: Outcome) -> None:
    ours = Listing.objects.enforced().filter(source=wishes.source)
    missing = [
        pk
        for pk, prefix in ours.values_list("pk", "prefix").iterator(chunk_size=5000)
        if prefix not in named
    ]
    n = ours.count()
    limit = settings.POSTERN_SHRINK_PERCENT
    if missing and not wishes.allow_shrink and 100 * len(missing) >= limit * n:
        raise TooManyMissing(
            f"The file lacks {len(missing)} of the {n} listings of “{wishes.source}”: {limit} % or "
            "more. Nothing was imported. If that is meant, say --allow-shrink."
        )
    for i in range(0, len(missing), BATCH):
        some = Listing.objects.filter(pk__in=missing[i : i + BATCH])
        note = f"Not in {wishes.source} any more."
        outcome.removed += actions.let_go(some, Event.REMOVE, wishes.actor, note)


def _take_out(rows: list[Row], outcome: Outcome) -> None:
    """Make each exclusion an exception of every wider listing; where none is, it says nothing."""
    wanted = [(row, over) for row in rows if (over := actions.wider_without(row.prefix))]
    if not wanted:
        return
    serial = publishing.ask(row.prefix for row, _over in wanted)
    for row, over in wanted:
        actions.make_exceptions(row.prefix, over, row.evidence or "imported", serial)
        outcome.excepted += len(over)
