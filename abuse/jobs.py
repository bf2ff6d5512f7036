"""The sweeps of the abuse desk: mail in is read, incidents are considered, the hook is called."""

import logging
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q
from django.utils import timezone

from abuse import actions, answering, filing, hooks, loops, readings
from abuse.models import HookCall, Incident, Report
from escalation import owed, queue
from escalation.errors import TryAgainLater
from mailroom import alerts, maildir
from mailroom.confined import Child
from mailroom.diagnosis import OUT_OF_TIME
from mailroom.models import Purpose, Received

log = logging.getLogger(__name__)

BATCH: Final = 500  # mails that are claimed in one go
AGAIN: Final = 50  # that are read together where a worker died before; after FEW times one by one
FEW: Final = 3
AT_ONCE: Final = 32 * 1024 * 1024  # bytes of them that are in memory together
BUDGET: Final = 20.0  # seconds after which no batch is begun
READING: Final = 20.0  # seconds for a batch at most: whatever is left comes again
OPEN_CALL: Final = Q(due_at__isnull=False, parked_at=None)
REPORTS: Final = (Purpose.JUNK, Purpose.NOT_JUNK)


def sweep_reports() -> int:
    """Read what came in; return how many mails were read."""
    with owed.lasting("reports"), readings.reader() as child:
        maildir.collect()
        n, end = 0, time.monotonic() + BUDGET
        while time.monotonic() < end and (batch := claim()):
            n += read(child, batch)
        if time.monotonic() >= end:
            queue.nudge("reports")
    return n


def claim() -> list[Received]:
    """A batch of mails that are due, without their bytes."""
    return owed.claim(Received.objects.filter(purpose__in=REPORTS).defer("raw"), BATCH)


def read(child: Child, batch: list[Received]) -> int:
    """Read a batch in portions, each filed in one transaction; return how many were read."""
    end = time.monotonic() + min(READING, owed.LEASE.total_seconds() / 2)
    n = 0
    for rows in portions(batch):
        if (left := end - time.monotonic()) <= 0:
            owed.give_back(rows)
        elif mine := _begin(rows):
            done, later = _read_and_file(child, mine, left)
            owed.give_back([row for row in mine if row.pk in later])
            owed.give_back([row for row in mine if row.pk not in done | later], was_begun=True)
            n += len(done)
    return n


def _read_and_file(child: Child, rows: list[Received], seconds: float) -> tuple[set[int], set[int]]:
    """The keys of those that are filed, and of those that wait or failed; nothing was done with
    the others."""
    try:
        results = readings.read_all(child, _with_bytes(rows), seconds)
    except Exception:
        log.exception("%d mails could not be read", len(rows))
        return set(), {row.pk for row in rows}
    done = _filed([one for one in results if not isinstance(one, readings.Waits)])
    return done, {one.received.pk for one in results} - done


def _filed(results: Sequence[readings.Read | readings.NotRead]) -> set[int]:
    """File all in one transaction; where that fails each alone, so that one stops no other."""
    try:
        filing.file(results)
    except (InterfaceError, OperationalError):  # the database's trouble, and no mail's
        log.exception("%d mails wait for the database", len(results))
        return set()
    except Exception:
        log.exception("%d mails could not be filed", len(results))
        if len(results) == 1:
            return set()
        return {pk for one in results for pk in _filed([one])}
    return {one.received.pk for one in results}


def portions(rows: list[Received]) -> Iterator[list[Received]]:
    """What is read together: the more often a mail was begun in vain, the fewer beside it."""
    portion: list[Received] = []
    size = 0
    for row in sorted(rows, key=lambda row: row.attempts):
        most = BATCH if not row.attempts else AGAIN if row.attempts < FEW else 1
        other = portion and portion[0].attempts != row.attempts
        if portion and (other or len(portion) >= most or size + row.size > AT_ONCE):
            yield portion
            portion, size = [], 0
        portion.append(row)
        size += row.size
    if portion:
        yield portion


def _begin(rows: list[Received]) -> list[Received]:
    """Those of ``rows`` that are ours to read, an attempt counted."""
    if rows[0].attempts < FEW:
        return owed.begin_all(rows)
    return rows if owed.begin(rows[0], parked=_give_up) else []


def _with_bytes(rows: list[Received]) -> list[Received]:
    raws = dict(Received.objects.filter(pk__in=[row.pk for row in rows]).values_list("pk", "raw"))
    for row in rows:
        row.raw = raws[row.pk]
    return rows


def _give_up(row: Received) -> None:
    """What ends its worker each time stands in *unread*, with all that cannot be read."""
    Received.objects.filter(pk=row.pk).update(
        unread=OUT_OF_TIME, due_at=None, parked_at=None, attempts=0
    )


def sweep_loops() -> int:
    """Look at the mails by which people prove that a domain is theirs."""
    mails = Received.objects.filter(purpose=Purpose.LOOP)
    with readings.reader() as child:
        work = partial(loops.prove, child)
        return owed.work_through("loops", mails, work, worst=loops.WORST, parked=_give_up)


def sweep_answers() -> int:
    """Answer reporters, and pass reports on to feedback loops."""
    due = Report.objects.select_related("received", "tenant", "enrolled")
    with readings.reader() as child:
        work = partial(answering.answer, child)
        return owed.work_through(
            "answers", due, work, worst=answering.WORST, parked=alerts.given_up
        )


def sweep_incidents() -> int:
    """Do what the thresholds say of incidents with new reports, or whose time has come."""
    rows = Incident.objects.select_related("tenant")
    return owed.work_through("incidents", rows, actions.consider, parked=alerts.given_up)


def sweep_hooks() -> int:
    """Call the operator's hook for tenants that are restricted or let go."""
    rows = HookCall.objects.select_related("incident__tenant").order_by("pk")
    return owed.work_through("hooks", rows, _call, worst=hooks.SECONDS, parked=alerts.given_up)


def _call(row: HookCall) -> None:
    """In the order of the steps: a restriction that waits must not come after its end."""
    before = HookCall.objects.filter(incident=row.incident_id, pk__lt=row.pk, done_at=None)
    if before.filter(OPEN_CALL | Q(lease_until__gt=timezone.now())).exists():
        raise TryAgainLater("the call before this one is not done", after=30)
    said = hooks.call(row)
    with transaction.atomic():
        owed.finish(row)
        HookCall.objects.filter(pk=row.pk).update(done_at=timezone.now(), answer=said)
