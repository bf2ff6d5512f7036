"""Our list in figures, for anybody: what is listed, lifted, reversed, and how long it takes.

The counts go over whole tables, so a job makes them once an hour and the page reads what it left.
"""

from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final

from django.core.cache import caches
from django.db.models import Count
from django.utils import timezone

from delisting.lifecycle import State as Lifted
from delisting.models import DelistRequest, Outcome
from listings.models import Listing
from tickets.lifecycle import Event, State
from tickets.models import Entry

DAYS: Final = 90  # that the figures look back
SAMPLE: Final = 10_000  # rows of which a median is taken, the latest
KEY: Final = "transparency"
KEPT: Final = 7 * 24 * 3600  # seconds


def refresh() -> int:
    """Make the figures and leave them for the page; return 0: nothing is deleted."""
    caches["default"].set(KEY, count(), KEPT)
    return 0


def count() -> dict[str, Any]:
    """The counts of now and of the last ``DAYS`` days; times in seconds, None where none."""
    now = timezone.now()
    since = now - timedelta(days=DAYS)
    listed = Listing.objects.enforced().order_by().values("reason_class").annotate(n=Count("pk"))
    by_class = {row["reason_class"]: row["n"] for row in listed}
    asked = DelistRequest.objects.filter(asked_at__gt=since).order_by()
    lifted = asked.filter(state=Lifted.LIFTED).exclude(outcome=Outcome.ALREADY_OFF)
    steps = Entry.objects.filter(happened_at__gt=since)
    delisted = steps.filter(event=Event.CONFIRMED_GONE).values("subject")
    return {
        "made_at": now.isoformat(),
        "days": DAYS,
        "listed": sum(by_class.values()),
        "by_class": by_class,
        "asked": asked.count(),
        "lifted_by_self_service": lifted.count(),
        "handed_over": asked.filter(state=Lifted.HANDED_OVER).count(),
        "lifted_by_case": delisted.distinct().count(),
        "refused_by_case": steps.filter(target=State.REFUSED).values("subject").distinct().count(),
        "reversed": _reversed(since),
        "self_service_seconds": _median_self_service(since),
        "case_seconds": _median_case(since),
    }


def _reversed(since: datetime) -> int:
    """Cases that were refused once and let in after all."""
    gone = Entry.objects.filter(event=Event.CONFIRMED_GONE, happened_at__gt=since)
    refused = Entry.objects.filter(target=State.REFUSED, subject__in=gone.values("subject"))
    return refused.values("subject").distinct().count()


def _median_self_service(since: datetime) -> float | None:
    """From the request to the proof of the last server."""
    done = DelistRequest.objects.filter(state=Lifted.LIFTED, asked_at__gt=since).order_by("-pk")
    return _median(done.values_list("asked_at", "state_since")[:SAMPLE])


def _median_case(since: datetime) -> float | None:
    """From the first ticket to the proof of the last server."""
    gone = Entry.objects.filter(event=Event.CONFIRMED_GONE, happened_at__gt=since)
    done = gone.order_by("-pk").values_list("subject__opened_at", "happened_at")[:SAMPLE]
    return _median(done)


def _median(spans: Any) -> float | None:
    seconds = [(end - begin).total_seconds() for begin, end in spans]
    return median(seconds) if seconds else None


def left() -> dict[str, Any]:
    """What the job has left; on a fresh desk, or one whose cache was emptied, made now."""
    found: dict[str, Any] | None = caches["default"].get_or_set(KEY, count, KEPT)
    return found if found is not None else count()
