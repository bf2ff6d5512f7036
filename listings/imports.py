"""Whole files of listings, brought in at once: checked first, then one transaction."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from escalation import prefixes
from escalation.actors import Actor
from escalation.errors import Refused
from escalation.lifecycle import advance_all
from listings import actions, protected, publishing, staging
from listings.formats.rows import Bad, Row
from listings.lifecycle import Event
from listings.models import Listing, ReasonClass, Removal

BATCH = 2000  # rows in one round
PROLONG = timedelta(days=1)  # an expiry moves only by more, so that a second import is none

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
    now, protects = timezone.now(), protected.checker()
    for row in found:
        if isinstance(row, Bad):
            bad.append(row)
            continue
        text = str(row.prefix)
        before = rows.get(text)
        if before is not None and before.takes_out != row.takes_out:
            bad.append(Bad(row.number, f"{text} is listed and taken out: see {before.number}."))
        elif reason := "" if row.takes_out else actions.why_not_listable(row.prefix, protects):
            bad.append(Bad(row.number, reason))
        elif row.expires_at and row.expires_at <= now:
            bad.append(Bad(row.number, f"{text} has expired already."))
        elif before is None:  # of two equal lines the first counts, as in rbldnsd
            rows[text] = row
    return list(rows.values()), bad


def bring_in(rows: Sequence[Row], wishes: Wishes, progress: Progress = lambda n: None) -> Outcome:
    """List the rows of a file, and take out what it takes out: all or nothing.

    What is listed already stays as it is but for a later expiry, so that the
    same file again changes nothing.  Raises ``TooManyMissing``.
    """
    outcome = Outcome()
    lists = [row for row in rows if not row.takes_out]
    with transaction.atomic():
        if not wishes.again:
            lists = _without_lately_let_in(lists, outcome)
        with staging.staged(_values(lists, wishes, progress)):
            known = staging.n_known()
            if known:
                _wake_known(wishes.actor, outcome)
            outcome.added = staging.bring_in(wishes.actor)
            outcome.unchanged = known - max(outcome.relisted, outcome.prolonged)
            if wishes.remove_missing:
                _remove_missing(wishes, outcome)
        _take_out([row for row in rows if row.takes_out], outcome)
        if outcome.added or outcome.relisted or outcome.excepted or outcome.removed:
            outcome.serial = publishing.ask(row.prefix for row in rows)
    return outcome


def _values(rows: list[Row], wishes: Wishes, progress: Progress) -> Iterator[staging.Values]:
    """What each row is listed with, in the order of ``staging.COLUMNS``."""
    now = timezone.now()
    for n, row in enumerate(rows, 1):
        yield (
            *actions.columns(row.prefix).values(),
            row.reason_class or wishes.reason_class,
            (row.source or wishes.source)[:100],
            row.evidence,
            row.listed_at or now,
            row.expires_at or wishes.expires_at,
        )
        if n % staging.BATCH == 0 or n == len(rows):
            progress((n - 1) % staging.BATCH + 1)


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


def _wake_known(actor: Actor, outcome: Outcome) -> None:
    """List what is pending or on its way out, and let live longer what the file says so of."""
    for some in _batches(staging.waiting()):
        known = Listing.objects.filter(pk__in=some)
        outcome.relisted += advance_all(known, Event.ACTIVATE, actor)
        outcome.relisted += advance_all(known, Event.RELIST, actor, gone_serial=None)
    for pk, until, wished in staging.later_expiries():
        if wished - until > PROLONG:
            Listing.objects.filter(pk=pk).update(expires_at=wished)
            outcome.prolonged += 1


def _batches(keys: list[int]) -> Iterator[list[int]]:
    return (keys[i : i + BATCH] for i in range(0, len(keys), BATCH))


def _remove_missing(wishes: Wishes, outcome: Outcome) -> None:
    missing = staging.missing(wishes.source)
    n = Listing.objects.enforced().filter(source=wishes.source).count()
    limit = settings.POSTERN_SHRINK_PERCENT
    if missing and not wishes.allow_shrink and 100 * len(missing) >= limit * n:
        raise TooManyMissing(
            f"The file lacks {len(missing)} of the {n} listings of “{wishes.source}”: {limit} % or "
            "more. Nothing was imported. If that is meant, say --allow-shrink."
        )
    note = f"Not in {wishes.source} any more."
    for some in _batches(missing):
        leaving = Listing.objects.filter(pk__in=some)
        outcome.removed += actions.let_go(leaving, Event.REMOVE, wishes.actor, note)


def _take_out(rows: list[Row], outcome: Outcome) -> None:
    """Make each exclusion an exception of every wider listing; where none is, it says nothing."""
    wanted = [(row, over) for row in rows if (over := actions.wider_without(row.prefix))]
    if not wanted:
        return
    serial = publishing.ask(row.prefix for row, _over in wanted)
    for row, over in wanted:
        actions.make_exceptions(row.prefix, over, row.evidence or "imported", serial)
        outcome.excepted += len(over)
