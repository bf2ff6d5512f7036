"""The one door to the background queue.

The queue only wakes us up: every obligation is a row of a domain table (see
``escalation.owed``), found by a *sweep*, one per kind.  ``settings.SWEEPS``
names them all.  A *nudge* makes the next sweep come at once; losing every
nudge costs one sweep interval and nothing else.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.core.cache import caches
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.models import OrmQ, Schedule, Task
from django_q.tasks import async_task

RECORDS_KEPT = timedelta(days=14)  # of what the queue did, for whoever looks into it
HINTS_KEPT = timedelta(hours=1)  # the sweeps have long come round by then
PRUNED_AT_ONCE = 5000  # rows
SEEN_FOR = 7 * 24 * 3600  # seconds that the time of the last sweep is remembered


def nudge(kind: str) -> None:
    """Ask for a sweep of ``kind`` soon.

    The ORM broker writes to the default database, so inside
    ``transaction.atomic`` the nudge and the row it is for commit together or
    not at all.  Raises ``KeyError`` for a kind that ``settings.SWEEPS`` lacks.
    """
    async_task(settings.SWEEPS[kind], task_name=kind, group="nudge")


def run(kind: str) -> int:
    """Do the due work of ``kind`` now, in this process; return how many rows."""
    sweep: Callable[[], int] = import_string(settings.SWEEPS[kind])
    return sweep()


def mark_seen(kind: str) -> None:
    """Note that a sweep of ``kind`` went through, for the health check."""
    caches["jobs"].set(f"sweep:{kind}", timezone.now(), SEEN_FOR)


def sweep_seen(kind: str) -> datetime | None:
    """When a sweep of ``kind`` last went through, on any machine."""
    seen: datetime | None = caches["jobs"].get(f"sweep:{kind}")
    return seen


def sync_schedules() -> None:
    """Make the schedule rows what ``settings.SWEEPS`` says; idempotent."""
    for kind, path in settings.SWEEPS.items():
        Schedule.objects.update_or_create(
            name=f"sweep {kind}",
            defaults={
                "func": path,
                "schedule_type": Schedule.MINUTES,
                "minutes": settings.SWEEP_MINUTES,
                "repeats": -1,
                "args": None,
                "kwargs": None,
            },
        )
    names = [f"sweep {kind}" for kind in settings.SWEEPS]
    Schedule.objects.exclude(name__in=names).delete()


def waiting() -> int:
    """How many messages stand in the queue."""
    return int(OrmQ.objects.count())


def prune() -> int:
    """Delete old records of done messages, and hints that nobody took; a bounded number.

    ``OrmQ.lock`` is when a message came in, or until when it belongs to who took it.
    """
    now = timezone.now()
    old = [
        Task.objects.filter(stopped__lt=now - RECORDS_KEPT),
        OrmQ.objects.filter(lock__lt=now - HINTS_KEPT),
    ]
    n_deleted = 0
    for rows in old:
        keys = list(rows.values_list("pk", flat=True)[:PRUNED_AT_ONCE])
        for start in range(0, len(keys), 500):
            n_deleted += int(rows.filter(pk__in=keys[start : start + 500]).delete()[0])
    return n_deleted
