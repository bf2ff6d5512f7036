"""The second look: what is so at the moment when a request is confirmed, and what follows."""

import hashlib
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Final, TypedDict

from django.db import transaction
from django.utils import timezone

from delisting import emails, guards, policy
from delisting.lifecycle import Event
from delisting.models import DelistRequest, Outcome, Way
from delisting.policy import Verdict
from escalation import owed
from escalation.actors import DESK
from escalation.lifecycle import advance
from listings import actions
from listings.models import Listing

NAMES_LAST: Final = timedelta(minutes=1)  # the names are looked at when it is confirmed, once more
HOLDER_LASTS: Final = timedelta(days=1)
REGISTRY_HAS: Final = timedelta(minutes=10)  # to say since when; then we go by the history
POLL: Final = timedelta(seconds=15)  # between two looks at the sinks; a receipt wakes us sooner


def missing(request: DelistRequest, verdict: Verdict | None) -> set[str]:
    """What has to be looked up outside before anything can be decided: names, holder."""
    if verdict is None:
        return set()
    now, wanted = timezone.now(), set()
    if verdict.rule.names_agree and _is_old(request.names_checked_at, now - NAMES_LAST):
        wanted.add("names")
    if verdict.before and _is_old(request.holder_checked_at, now - HOLDER_LASTS):
        wanted.add("holder")
    return wanted


def _is_old(when: datetime | None, least: datetime) -> bool:
    return when is None or when < least


def decide_if_ready(request: DelistRequest) -> None:
    """Decide unless something has to be looked up: then the job does, and decides.

    Call it in a transaction that holds the request's lock.
    """
    verdict = locked_verdict(request)
    if not missing(request, verdict):
        decide(request, verdict)


def verdict_of(request: DelistRequest) -> Verdict | None:
    return policy.verdict(ip_network(request.host), request.holder_since)


def locked_verdict(request: DelistRequest) -> Verdict | None:
    """The verdict on listings that nobody changes until the transaction ends.

    The request's own is locked even when it is over: the check of the foreign key would else lock
    it at the commit, behind the publication, and everybody else goes the other way round.
    """
    over = [row.pk for row in policy.enforcing(ip_network(request.host))] + [request.listing_id]
    list(Listing.objects.filter(pk__in=over).order_by("pk").select_for_update())
    return verdict_of(request)


class Seen(TypedDict):
    """How a listing was when it was asked about: a digest of what was said, and its hits."""

    said: str
    hits: int


def seen(verdict: Verdict) -> dict[str, Seen]:
    """Every listing over the address, by its key."""
    return {str(row.pk): Seen(said=_said(row), hits=row.hits) for row in verdict.all}


def _said(row: Listing) -> str:
    """Since when and why it is listed, as a digest: another report of it changes it."""
    said = f"{row.state_since.timestamp()}\0{row.reason_class}\0{row.source}\0{row.evidence}"
    return hashlib.sha256(said.encode()).hexdigest()


def decide(request: DelistRequest, verdict: Verdict | None) -> None:
    """Take the step that the policy and the moment ask for.

    Where nothing is listed any more, the sinks are asked to prove that.
    """
    if verdict is None:
        take_off(request, (), Outcome.ALREADY_OFF)
        return
    request.rule = verdict.rule if verdict.rule.pk else None
    request.nth = verdict.nth
    request.save(update_fields=["rule", "nth"])
    why = _why_refused(request, verdict)
    if why:
        _end(request, Event.REFUSE, why)
    elif not verdict.rule.is_by_sender:
        repeated = verdict.is_for_history
        _end(request, Event.HAND_OVER, Outcome.REPEATED if repeated else Outcome.NOT_BY_SENDER)
    elif verdict.rule.way == Way.WAIT and request.cool_until is None:
        _cool_down(request, timedelta(hours=verdict.rule.wait_hours))
    else:
        take_off(request, tuple(row.pk for row in verdict.all))


def _why_refused(request: DelistRequest, verdict: Verdict) -> str:
    rule, then = verdict.rule, request.listed_then
    is_same = all(then.get(pk, {}).get("said") == row["said"] for pk, row in seen(verdict).items())
    if rule.is_by_sender and not is_same:
        return Outcome.LISTED_AGAIN
    if _hits_since(request, verdict) > rule.hits_allowed:
        return Outcome.STILL_SENDING
    if rule.names_agree and request.names_agree is None:
        return Outcome.NO_LOOKUP
    if rule.names_agree and not request.names_agree:
        return Outcome.NAMES
    return ""


def _hits_since(request: DelistRequest, verdict: Verdict) -> int:
    """Refusals after the request, by all that it was about; late lines of a log do not count."""
    then: dict[str, Seen] = request.listed_then
    known = [row for row in verdict.all if str(row.pk) in then]
    late = [row for row in known if row.last_hit_at and row.last_hit_at > request.asked_at]
    return sum(row.hits - then[str(row.pk)]["hits"] for row in late)


def take_off(request: DelistRequest, listings: tuple[int, ...], outcome: str = "") -> None:
    """End what was judged, and wait for the sinks; with nothing to end they prove just that."""

    def let_in(row: DelistRequest, entry: object) -> None:
        row.serial = actions.lift(
            listings, row.network, actor=DESK, reason=f"delist request {row.pk}",
            key=f"delist:{row.pk}",
        )  # fmt: skip
        row.outcome = outcome
        row.save(update_fields=["serial", "outcome"])

    advance(request, Event.TAKE_OFF, DESK, effect=let_in)
    owed.owe(request, timezone.now() + POLL)


def _cool_down(request: DelistRequest, wait: timedelta) -> None:
    def until(row: DelistRequest, entry: object) -> None:
        row.cool_until = timezone.now() + wait
        row.save(update_fields=["cool_until"])
        owed.owe(row, row.cool_until)

    advance(request, Event.COOL_DOWN, DESK, effect=until)


def _end(request: DelistRequest, event: str, outcome: str) -> None:
    def tell(row: DelistRequest, entry: object) -> None:
        row.outcome = outcome
        row.save(update_fields=["outcome"])
        emails.outcome(row)

    advance(request, event, DESK, note=str(Outcome(outcome).label), effect=tell)
    owed.owe_nothing(request)


def await_receipts(request: DelistRequest) -> None:
    """It is lifted when every sink has proved so; else we look again soon."""
    with transaction.atomic():
        owed.finish(request, timezone.now() + POLL)
        if not guards.every_sink_let_go(request, DESK):
            advance(request, Event.LIFT, DESK, effect=lambda row, entry: emails.outcome(row))
            owed.owe_nothing(request)
