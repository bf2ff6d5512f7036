"""Background work: letters' fates, answers, ladders, and IANA's tables."""

import logging
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from escalation import owed, queue
from escalation.actors import DESK
from escalation.errors import TryAgainLater
from escalation.lifecycle import advance
from ownership import bootstrap, climb, configured, rdap
from ownership.answering import settle
from ownership.lifecycle import OPEN, Event, State
from ownership.models import Answer, BootstrapFile, Contact, Inquiry, Request

log = logging.getLogger(__name__)

BOUNCED_FOR: Final = timedelta(days=30)
MOST: Final = 200  # requests looked at in one sweep
WORST: Final = 35.0  # seconds that the look-ups of one row may take
REFRESH: Final = timedelta(hours=24)
FOR_EVER: Final = 30_000  # attempts: neither an answer nor the tables are given up


def sweep_inquiries() -> int:
    """Note what became of letters, give answers their effect, and climb the ladders."""
    begun = monotonic()
    note_letters()
    expire_requests()
    answers = Answer.objects.select_related("request__contact", "request__network")
    n = owed.work_through("inquiries", answers, settle, worst=WORST, attempts=FOR_EVER)
    if monotonic() - begun > owed.BUDGET - WORST:
        queue.nudge("inquiries")  # the ladders get a sweep of their own
        return n
    return n + owed.work_through(
        "inquiries", Inquiry.objects.all(), climb.climb, worst=WORST, parked=climb.fail
    )


def note_letters() -> None:
    """Follow letters to their servers.

    One that was refused, or given up, brings the next contact at once.
    """
    queued = Request.objects.filter(
        state=State.QUEUED, letters__superseded_at=None, letters__letter__accepted_at__isnull=False
    )
    for request in queued.order_by("pk").distinct()[:MOST]:
        with transaction.atomic():
            if _locked(request).state == State.QUEUED:
                advance(request, Event.SEND, DESK)
                Request.objects.filter(pk=request.pk).update(sent_at=timezone.now())
    failed = Q(letters__letter__refused_at__isnull=False) | Q(
        letters__letter__parked_at__isnull=False
    )
    refused = Request.objects.open().filter(failed, letters__superseded_at=None)
    for request in refused.order_by("pk").distinct()[:MOST]:
        _end(request, Event.BOUNCE)


def expire_requests() -> None:
    """End the questions that nobody answered in time."""
    over = Request.objects.open().filter(expires_at__lte=timezone.now())
    for request in over.order_by("pk")[:MOST]:
        _end(request, Event.EXPIRE)


def _end(request: Request, event: Event) -> None:
    """End a request and look at its inquiries at once; nothing if an answer came first."""
    with transaction.atomic():
        inquiries = Inquiry.objects.filter(rungs__request=request, outcome="")
        for inquiry in inquiries.order_by("pk"):
            owed.owe(inquiry)
        if _locked(request).state not in OPEN:
            return
        advance(request, event, DESK)
        if event == Event.BOUNCE:
            until = timezone.now() + BOUNCED_FOR
            Contact.objects.filter(pk=request.contact_id).update(bounced_until=until)


def _locked(request: Request) -> Request:
    """The request read afresh, after its contact was locked."""
    Contact.objects.select_for_update(no_key=True).get(pk=request.contact_id)
    request.refresh_from_db(from_queryset=Request.objects.select_for_update())
    return request


# -- IANA's tables ---------------------------------------------------------------------


def sweep_bootstrap() -> int:
    """Fetch IANA's tables once a day; nothing where one registry is asked for everything."""
    if configured.needs_bootstrap():
        now = timezone.now()
        for name in bootstrap.FILES:
            BootstrapFile.objects.get_or_create(name=name, defaults={"due_at": now})
        rows = BootstrapFile.objects.all()
    else:
        rows = BootstrapFile.objects.none()
    return owed.work_through("bootstrap", rows, refresh, worst=25.0, attempts=FOR_EVER)


def refresh(row: BootstrapFile) -> None:
    """Fetch one table unless ours is still the newest.  Raises ``TryAgainLater``."""
    rules = configured.rules(bootstrap.bundled())
    try:
        fetched = bootstrap.refresh(row.name, row.etag if row.body else "", rules)
    except (bootstrap.BadBootstrap, rdap.NotFound) as error:
        raise TryAgainLater(f"IANA's table {row.name}: {error}") from error
    now: datetime = timezone.now()
    values = {"fetched_at": now}
    with transaction.atomic():
        owed.finish(row, now + REFRESH)
        mine = BootstrapFile.objects.filter(pk=row.pk)
        if fetched.unchanged:
            mine.update(**values)
        else:
            mine.update(**values, body=fetched.body, etag=fetched.etag)
