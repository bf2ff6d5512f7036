"""The sweep of delist requests: what must be looked up, waited for, and told."""

import logging
from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_network
from typing import Final

from django.db import transaction
from django.utils import timezone

from delisting import deciding, emails
from delisting.lifecycle import Event, State
from delisting.models import DelistRequest
from escalation import owed, resolving
from escalation.actors import DESK
from escalation.errors import TryAgainLater
from escalation.lifecycle import NotAllowed, advance
from listings import queries
from mailroom import alerts
from ownership import lookups

log = logging.getLogger(__name__)

WORST: Final = resolving.LIFETIME + 25.0  # seconds: the names, and a registry that is slow
REGISTRY_AGAIN: Final = 60.0  # seconds between two questions, if it does not say
WATCHED_AT_ONCE: Final = 500  # lifted addresses that are looked up together


def sweep_delistings() -> int:
    """Do what requests owe; then tell those whose address is listed again."""
    rows = DelistRequest.objects.all()
    _wake_proved()
    n = owed.work_through("delistings", rows, work, worst=WORST, parked=alerts.given_up)
    return n + tell_relisted()


def _wake_proved() -> None:
    """What every sink has let go by now is due at once, not at the next look."""
    serial = queries.proved_serial()
    waiting = DelistRequest.objects.filter(state=State.CONFIRMED, due_at__isnull=False)
    if serial is not None:
        waiting.filter(serial__lte=serial).update(due_at=timezone.now())


def work(request: DelistRequest) -> None:
    """The next thing that a request owes, by its state."""
    steps: dict[str, Callable[[DelistRequest], None]] = {
        State.ASKED: prepare,
        State.CONFIRMED: settle,
        State.COOLING_DOWN: go_on,
    }
    steps.get(request.state, owed.finish)(request)


def prepare(request: DelistRequest) -> None:
    """Look up what the decision will need, while the letter is on its way; then wait for them."""
    if request.expires_at > timezone.now():
        look_up(request)
    with transaction.atomic():
        owed.finish(request, request.expires_at)
        if request.expires_at <= timezone.now():
            advance(request, Event.EXPIRE, DESK)
            owed.owe_nothing(request)


def settle(request: DelistRequest) -> None:
    """Decide what was confirmed; once it is taken off, wait for the sinks."""
    if request.serial is not None:
        deciding.await_receipts(request)
        return
    try:
        look_up(request)
    except TryAgainLater as error:
        _await_registry(request, error)
        return
    with transaction.atomic():
        owed.finish(request, timezone.now() + deciding.POLL)
        request.refresh_from_db(from_queryset=DelistRequest.objects.select_for_update())
        if request.state == State.CONFIRMED and request.serial is None:
            deciding.decide(request, deciding.locked_verdict(request))


def _await_registry(request: DelistRequest, error: TryAgainLater) -> None:
    """Ask again soon, and at the end of its time: a registry neither uses the attempts up, nor
    makes anybody wait for longer."""
    again = timezone.now() + timedelta(seconds=error.after or REGISTRY_AGAIN)
    owed.finish(request, min(again, request.state_since + deciding.REGISTRY_HAS))


def go_on(request: DelistRequest) -> None:
    """The wait is over: the same check as before, without another wait."""
    with transaction.atomic():
        owed.finish(request, timezone.now())
        advance(request, Event.GO_ON, DESK)


def look_up(request: DelistRequest) -> None:
    """Ask the DNS and the registry for what is missing, outside any transaction.

    Raises ``TryAgainLater`` for a registry that does not answer, until its time is over: then we
    go by the history.
    """
    wanted = deciding.missing(request, deciding.verdict_of(request))
    if "names" in wanted:
        _look_at_names(request)
    if "holder" in wanted:
        _look_at_holder(request)


def _look_at_names(request: DelistRequest) -> None:
    address = request.host
    question = {"names": lambda: resolving.forward_confirmed(address)}
    fact = resolving.ask_all(question)["names"]
    agree = bool(fact["found"]) if "found" in fact else None
    _keep(request, names_agree=agree, names_checked_at=timezone.now())


def _look_at_holder(request: DelistRequest) -> None:
    now = timezone.now()
    try:
        network = lookups.lookup(ip_network(request.host), now - deciding.HOLDER_LASTS)
    except TryAgainLater:
        if request.state == State.ASKED:
            return  # it is asked once more when they have confirmed
        if now - request.state_since < deciding.REGISTRY_HAS:
            raise
        network = None
    since = lookups.held_since(network) if network else None
    _keep(request, holder_since=since, holder_checked_at=now)


def _keep(request: DelistRequest, **facts: object) -> None:
    """Write what was found while the row is still ours."""
    mine = DelistRequest.objects.filter(pk=request.pk, lease_token=request.lease_token)
    mine.update(**facts)
    for name, value in facts.items():
        setattr(request, name, value)


def tell_relisted() -> int:
    """Write to those whose address was let in lately and is refused again; return how many.

    One that fails is logged and stops no other.  Two queries for ``WATCHED_AT_ONCE`` addresses.
    """
    watched, n, after = DelistRequest.objects.watched(), 0, 0
    while some := list(watched.filter(pk__gt=after).order_by("pk")[:WATCHED_AT_ONCE]):
        after = some[-1].pk
        again = queries.listed_among([row.host for row in some])
        n += sum(_tell(row) for row in some if row.host in again)
    return n


def _tell(request: DelistRequest) -> bool:
    def told(row: DelistRequest, entry: object) -> None:
        row.relisted_at = timezone.now()
        row.save(update_fields=["relisted_at"])
        listing = queries.listed(row.host)
        if listing is not None:
            emails.relisted(row, listing)

    try:
        advance(request, Event.RELISTED, DESK, key="relisted", effect=told)
    except NotAllowed:  # let in again since, or told by another worker
        return False
    except Exception:
        log.exception("not told that it is listed again: %s", request.pk)
        return False
    return True
