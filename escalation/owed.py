"""Rows that owe work: due time, attempts and lease; how they are claimed and done.

The pattern (each part may die at any line):

1. ``claim`` a small batch: the lease is committed.
2. ``begin`` each row: the attempt is counted and committed *before* the work,
   so that a row that kills its worker is parked in the end.
3. The work, outside any transaction, with timeouts.
4. ``finish`` inside the transaction that writes the effect: it fails with
   ``LeaseLost`` if somebody else has taken the row over meanwhile.
"""

import logging
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.apps import apps
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from escalation import queue
from escalation.errors import TryAgainLater

log = logging.getLogger(__name__)

BATCH = 20  # rows claimed at once
LEASE = timedelta(minutes=2)  # longer than a worker's timeout
BUDGET = 40.0  # seconds one sweep may take
ATTEMPTS = 8  # then the row is parked, and whoever claims such rows hears of it
BACKOFF = (60, 300, 1800, 7200, 21600)  # seconds; the last one repeats


class LeaseLost(Exception):
    """Somebody else has taken the row over, or done it: drop the result."""


class Owed(models.Model):
    """A row that may owe work.  ``due_at`` null means that nothing is owed."""

    due_at = models.DateTimeField(null=True, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    parked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_error = models.TextField(blank=True, editable=False)

    class Meta:
        abstract = True


def due_index(name: str) -> models.Index:
    """The partial index that makes a sweep cheap: only rows that owe something."""
    return models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name=name)


Row = TypeVar("Row", bound=Owed)


def claim(rows: "models.QuerySet[Row]", n: int = BATCH) -> "list[Row]":
    """Lease up to ``n`` due rows, the longest due first, and commit."""
    now, token = timezone.now(), uuid.uuid4()
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    with transaction.atomic():
        due = rows.filter(free, due_at__lte=now, parked_at=None).order_by("due_at")
        found = list(due.select_for_update(skip_locked=True, of=("self",))[:n])
        keys = [row.pk for row in found]
        rows.model._default_manager.filter(pk__in=keys).update(
            lease_token=token, lease_until=now + LEASE
        )
    for row in found:
        row.lease_token = token
    return found


def _mine(row: Owed) -> "models.QuerySet[Any]":
    return type(row)._default_manager.filter(
        pk=row.pk, lease_token=row.lease_token, lease_until__gt=timezone.now()
    )


def backoff(attempts: int) -> timedelta:
    """How long to wait after the attempt of that number (1 is the first)."""
    return timedelta(seconds=BACKOFF[min(attempts, len(BACKOFF)) - 1])


def begin(row: Row, limit: int = ATTEMPTS, parked: "Callable[[Row], None] | None" = None) -> bool:
    """Count the attempt, in a commit of its own, right before the work.

    False means hands off: the lease was lost, or the row is now parked, and
    ``parked`` has been called in the transaction that says so.
    """
    if row.attempts >= limit and _park(row, limit, parked):
        return False
    now, wait = timezone.now(), backoff(row.attempts + 1)
    return bool(_mine(row).update(attempts=F("attempts") + 1, due_at=now + wait))


def _park(row: Row, limit: int, parked: "Callable[[Row], None] | None") -> bool:
    with transaction.atomic():
        mine = _mine(row).filter(attempts__gte=limit)
        if not mine.update(parked_at=timezone.now(), lease_until=None):
            return False
        log.error("parked %s %s after %d attempts", row._meta.label, row.pk, limit)
        if parked is not None:
            parked(row)
    return True


def finish(row: Owed, due_at: datetime | None = None) -> None:
    """Clear the debt; call it first in the transaction that writes the effect.

    ``due_at`` is when the row is next due, None for never.  Raises
    ``LeaseLost``, which rolls the transaction back.
    """
    done = _mine(row).update(
        due_at=due_at, attempts=0, lease_token=None, lease_until=None, last_error=""
    )
    if not done:
        raise LeaseLost(f"{row._meta.label} {row.pk}")
    row.due_at, row.attempts = due_at, 0
    row.lease_token = row.lease_until = None


def begin_all(rows: "list[Row]") -> "list[Row]":
    """Count an attempt of each of ``rows`` in one commit; return those that are still ours.

    For work that is done in one go for all of them.  Where one row may be what kills the worker,
    take those that were begun before one at a time: ``begin``.
    """
    if not rows:
        return []
    with transaction.atomic():
        held = _held(rows)
        now = timezone.now()
        rows[0]._meta.model._default_manager.filter(pk__in=held).update(
            attempts=F("attempts") + 1, due_at=now + backoff(1)
        )
    return [row for row in rows if row.pk in held]


def give_back(rows: "list[Row]", *, was_begun: bool = False) -> None:
    """Let others have ``rows``, claimed together, on which no work was done."""
    if not rows:
        return
    held = rows[0]._meta.model._default_manager.filter(
        pk__in=[row.pk for row in rows], lease_token=rows[0].lease_token
    )
    if was_begun:
        held.filter(attempts__gt=0).update(attempts=F("attempts") - 1, due_at=timezone.now())
    held.update(lease_token=None, lease_until=None)


def finish_all(rows: "list[Row]") -> "list[Row]":
    """Clear the debts of ``rows``; return those that were still ours: only of these write the
    effects, in the same transaction."""
    if not rows:
        return []
    held = _held(rows)
    rows[0]._meta.model._default_manager.filter(pk__in=held).update(
        due_at=None, attempts=0, lease_token=None, lease_until=None, last_error=""
    )
    return [row for row in rows if row.pk in held]


def _held(rows: "list[Row]") -> set[Any]:
    """The keys of those rows, claimed together, whose lease is still ours; locked."""
    manager = rows[0]._meta.model._default_manager
    ours = manager.filter(
        pk__in=[row.pk for row in rows],
        lease_token=rows[0].lease_token,
        lease_until__gt=timezone.now(),
    )
    return set(ours.order_by("pk").select_for_update().values_list("pk", flat=True))


def postpone(row: Owed, error: TryAgainLater) -> None:
    """Give the row back, to be tried again when ``error`` says or by backoff."""
    wait = backoff(row.attempts + 1) if error.after is None else timedelta(seconds=error.after)
    _mine(row).update(
        due_at=timezone.now() + wait, lease_token=None, lease_until=None, last_error=str(error)
    )


def owe(row: Owed, due_at: datetime | None = None) -> None:
    """Make ``row`` due (now by default), with a fresh count of attempts."""
    type(row)._default_manager.filter(pk=row.pk).update(
        due_at=due_at or timezone.now(), attempts=0, parked_at=None, last_error="",
        lease_token=None, lease_until=None,
    )  # fmt: skip


def owe_at(row: Owed, due_at: datetime | None) -> None:
    """Set when ``row`` is next due, None for never, with a fresh count of attempts."""
    if due_at is None:
        owe_nothing(row)
    else:
        owe(row, due_at)


def owe_nothing(row: Owed) -> None:
    """Clear what ``row`` owes, whoever holds its lease."""
    type(row)._default_manager.filter(pk=row.pk).update(
        due_at=None, attempts=0, parked_at=None, lease_token=None, lease_until=None
    )


def take_up_again() -> int:
    """Make due what was given up, with a fresh count of attempts; return how many rows."""
    given_up = (model._default_manager.filter(parked_at__isnull=False) for model in owed_models())
    return sum(rows.update(due_at=timezone.now(), attempts=0, parked_at=None) for rows in given_up)


@contextmanager
def lasting(kind: str) -> Iterator[None]:
    """Tell the health check that a sweep of ``kind`` went through to its end."""
    yield
    queue.mark_seen(kind)


def work_through(
    kind: str,
    rows: "models.QuerySet[Row]",
    work: Callable[[Row], None],
    *,
    worst: float = 20.0,
    attempts: int = ATTEMPTS,
    parked: "Callable[[Row], None] | None" = None,
) -> int:
    """Claim due rows and do ``work`` on each; return how many were begun.

    ``work`` must call ``finish``.  It may raise ``TryAgainLater`` and
    ``LeaseLost``; anything else is logged with the row, which comes back by
    its backoff and is parked in the end, while its batch mates go on.
    ``worst`` is the most seconds that one row may take: none is started that
    might overrun the sweep's budget; the rest is given back.  ``parked`` is
    called with a row that has used up its ``attempts``.
    """
    end, n = time.monotonic() + BUDGET - worst, 0
    with lasting(kind):
        batch = claim(rows)
        for row in batch:
            if time.monotonic() > end:
                give_back([row])
            elif begin(row, attempts, parked):
                n += 1
                _try(row, work)
        if len(batch) == BATCH:
            queue.nudge(kind)
    return n


def _try(row: Row, work: Callable[[Row], None]) -> None:
    try:
        work(row)
    except TryAgainLater as error:
        postpone(row, error)
    except LeaseLost:
        log.info("lease lost on %s %s", row._meta.label, row.pk)
    except Exception as error:
        log.exception("failed: %s %s", row._meta.label, row.pk)
        _mine(row).update(
            lease_token=None, lease_until=None, last_error=f"{type(error).__name__}: {error}"[:500]
        )


def owed_models() -> list[type[Owed]]:
    """Every model that can owe work, for health checks and reports."""
    return [model for model in apps.get_models() if issubclass(model, Owed)]
