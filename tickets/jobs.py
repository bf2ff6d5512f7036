"""Background work on cases: look, ask the outside, take one step.

No decision about a state is taken here: ``take_step`` asks the table.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import CharField, Exists, F, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone
from django.utils.translation import gettext as _

from escalation import owed, prefixes, resolving
from escalation.actors import DESK
from escalation.lifecycle import NotAllowed
from listings import lifecycle as listing_life
from listings import queries as listed
from listings.models import Listing
from mailroom import alerts
from mailroom.models import Letter
from ownership import actions as owners
from ownership.models import Inquiry
from tickets import actions, facts, guards, ladder, talking
from tickets.lifecycle import BEFORE_DECISION, QUIET, WITH_PARTY, Event, State
from tickets.models import Case, Clock, Conversation, Draft, Message
from traffic import queries as logged

EARLIER = 10  # past listings and cases kept as facts
DRAFT_DAYS = 1
MOST_REFUSALS = 100  # noted in one sweep
REFUSALS_NOTED_DAYS = 7  # that the sweeps may stand still without one being missed

OUTCOMES: dict[str, Event] = {
    Inquiry.Outcome.CONFIRMED: Event.OWNER_CONFIRMED,
    Inquiry.Outcome.DENIED: Event.OWNER_DENIED,
    Inquiry.Outcome.CONTRADICTED: Event.OWNER_DENIED,
    Inquiry.Outcome.UNKNOWN: Event.OWNER_UNKNOWN,
}


def sweep_cases() -> int:
    """Look at every case that is due, or that something has happened to."""
    wake_up()
    rows, worst = Case.objects.all(), resolving.LIFETIME + 10
    n_done = owed.work_through("cases", rows, look_at, worst=worst, parked=alerts.given_up)
    note_refused_letters()
    return n_done


def wake_up() -> None:
    """Make due the cases that an owner's answer, a receipt or a new listing concerns."""
    now = timezone.now()
    again = Listing.objects.filter(prefix=OuterRef("prefix"), state=listing_life.State.ACTIVE)
    answered = Q(state__in=[State.GATHERING, State.AWAITING_OWNER], inquiry__outcome__gt="") | Q(
        state=State.OWNER_UNKNOWN,
        inquiry__outcome__in=[Inquiry.Outcome.CONFIRMED, Inquiry.Outcome.DENIED],
        inquiry__outcome_at__gt=F("state_since"),
    )
    refused = logged.offends_since("first", "last", "state_since")
    relapsed = Q(state=State.DELISTED) & (Exists(again) | refused)
    gone = Q(state__in=BEFORE_DECISION, listing__state=listing_life.State.REMOVED)
    found = Case.objects.filter(answered | Q(state=State.DELISTING) | relapsed | gone)
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    keys = list(found.filter(free, parked_at=None).exclude(due_at__lte=now).values_list("pk")[:200])
    Case.objects.filter(pk__in=[pk for (pk,) in keys]).filter(free).update(due_at=now)


def note_refused_letters() -> None:
    """A sender's server refused our letter, or never took it: tell the agents, and the customer."""
    since = timezone.now() - timedelta(days=REFUSALS_NOTED_DAYS)
    ended = Letter.objects.filter(Q(refused_at__gt=since) | Q(parked_at__gt=since))
    theirs = ended.filter(kind__startswith="sender-", link_key__startswith="case:")
    as_key = Concat(Value("refused:"), Cast("pk", CharField()))
    noted = Message.objects.exclude(key="").filter(key=OuterRef("noted_as"))
    new = theirs.annotate(noted_as=as_key).exclude(Exists(noted)).order_by("pk")
    for letter in new[:MOST_REFUSALS]:
        found = Conversation.objects.filter(pk=letter.link_key.partition(":")[2])
        conversation = found.select_related("case", "ticket").first()
        if conversation is None or conversation.ticket is None:
            continue
        text = _("Our letter did not reach %(email)s: %(reply)s") % {
            "email": letter.recipient,
            "reply": letter.smtp_reply or letter.last_error,
        }
        key = f"refused:{letter.pk}"
        with transaction.atomic():  # both are told, or both the next time
            talking.post(talking.notebook(conversation.case), DESK, text, key=key)
            customer = conversation.ticket.conversations.filter(party="customer").get()
            talking.post(customer, DESK, text, key=key)


def look_at(case: Case) -> None:
    """Do what the case's state asks for now; finish with its next due time."""
    if case.state == State.GATHERING:
        gather(case)
    elif case.state in {State.AWAITING_OWNER, State.OWNER_UNKNOWN}:
        settle(case)
    elif case.state == State.DELISTING:
        await_receipts(case)
    elif case.state == State.DELISTED:
        watch(case)
    elif case.state in WITH_PARTY:
        when_over(case, Event.SILENCE)
    elif case.state == State.REFUSED:
        when_over(case, Event.APPEAL_ENDED)
    elif case.state == State.NOT_LISTED:
        when_over(case, Event.EXPLAINED)
    elif case.state in QUIET:
        owed.finish(case)
    else:
        still_listed(case)


def gather(case: Case) -> None:
    """Find listing, history and DNS facts; ask the owner, or say that it is not our list."""
    now = timezone.now()
    asked = facts.gather(case.network, case.subject)  # outside any transaction
    with transaction.atomic():
        owed.finish(case, now + actions.LOOK_AGAIN)
        case.refresh_from_db()
        case.listing = listed.covering_listing(case.network)
        case.facts = gathered(case, asked, now)
        case.save(update_fields=["listing", "facts"])
        if case.listing is None:
            if not guards.is_not_listed(case, DESK):
                actions.take_step(case, Event.FOUND_NOT_LISTED, DESK)
            return
        case.inquiry = owners.open_inquiry(
            case.network,
            level_needed=2,
            evidence=evidence(case.listing),
            tenant_domains=_tenant_domains(case),
        )
        case.save(update_fields=["inquiry"])
        if not guards.owner_has_agreed(case, DESK):
            actions.take_step(case, Event.PROOF_ON_FILE, DESK)
        else:
            actions.take_step(case, Event.ASK_OWNER, DESK)
        if prefixes.needs_two_agents(case.network) and case.level == 0:
            note = _("%(prefix)s is so wide that two agents must agree.") % {
                "prefix": case.shown_prefix
            }
            actions.take_step(case, Event.ESCALATE, DESK, note=note, key="wide")


def gathered(case: Case, asked: dict[str, resolving.Fact], now: datetime) -> dict[str, Any]:
    """The facts as they are kept on the case."""
    earlier = Case.objects.filter(prefix=case.prefix).exclude(pk=case.pk).order_by("-pk")[:EARLIER]
    return {
        "gathered_at": now.isoformat(),
        "dns": asked,
        "earlier_listings": [evidence(past) for past in listed.earlier(case.network)[:EARLIER]],
        "earlier_cases": [
            {"number": past.pk, "state": past.state, "opened_at": past.opened_at.isoformat()}
            for past in earlier
        ],
    }


def evidence(listing: Listing) -> dict[str, Any]:
    """What the owner may be told of the listing."""
    return {
        "listed_at": listing.listed_at.isoformat(),
        "reason": listing.reason_class,
        "hits": listing.hits,
        "last_hit_at": listing.last_hit_at.isoformat() if listing.last_hit_at else None,
    }


def _tenant_domains(case: Case) -> list[str]:
    names = case.tickets.values_list("tenant__domains__name", flat=True)
    return sorted({name for name in names if name})


def settle(case: Case) -> None:
    """Take the owner's answer, if there is one."""
    event = OUTCOMES.get(case.inquiry.outcome) if case.inquiry else None
    if event is None:
        still_listed(case)
        return
    with transaction.atomic():
        owed.finish(case, timezone.now() + actions.LOOK_AGAIN)
        if event == Event.OWNER_UNKNOWN and case.state == State.OWNER_UNKNOWN:
            return
        reason = guards.owner_has_agreed(case, DESK) if event == Event.OWNER_CONFIRMED else ""
        if not reason:
            actions.take_step(case, event, DESK)
        elif case.state == State.AWAITING_OWNER:  # the proof has ended since they answered
            actions.take_step(case, Event.OWNER_UNKNOWN, DESK, note=reason)


def still_listed(case: Case) -> None:
    """An open case whose listing has gone by another way is no longer about our list."""
    with transaction.atomic():
        owed.finish(case, timezone.now() + actions.LOOK_AGAIN)
        if not guards.is_not_listed(case, DESK):
            actions.take_step(case, Event.FOUND_NOT_LISTED, DESK)
        elif (now_over := listed.covering_listing(case.network)) is not None:
            case.listing = now_over
            case.save(update_fields=["listing"])


def await_receipts(case: Case) -> None:
    """Every sink has let go, or one has failed past its deadline, or we look again soon."""
    now = timezone.now()
    with transaction.atomic():
        owed.finish(case, now + actions.POLL_SINKS)
        why = guards.every_sink_let_go(case, DESK)
        if not why:
            actions.take_step(case, Event.CONFIRMED_GONE, DESK)
        elif case.answer_by is not None and case.answer_by <= now:
            actions.take_step(case, Event.SINK_FAILED, DESK, note=why)


def watch(case: Case) -> None:
    """A delisted prefix that is listed again reopens its case; a clean watch closes it."""
    now = timezone.now()
    with transaction.atomic():
        owed.finish(case, now + actions.LOOK_AGAIN)
        if not guards.has_offended_again(case, DESK):
            actions.take_step(case, Event.RELAPSE, DESK, note=_what_happened(case))
        elif case.answer_by is not None and case.answer_by <= now:
            actions.take_step(case, Event.WATCH_ENDED, DESK)


def _what_happened(case: Case) -> str:
    """Why a delisted case opens again, where it is not for a new listing."""
    since = guards.refused_since_delisting(case)
    if since is None:
        return ""
    return _(
        "A mail server has refused %(address)s since it was taken off, last at %(moment)s "
        "(%(n)d refusals on these days): it may not go by the list."
    ) % {
        "address": since.address,
        "moment": f"{timezone.localtime(since.last_at):%Y-%m-%d %H:%M:%S %Z}",
        "n": since.refused,
    }


def when_over(case: Case, event: Event) -> None:
    """Take ``event`` once the time to answer is over."""
    now = timezone.now()
    with transaction.atomic():
        over = case.answer_by is None or case.answer_by <= now
        owed.finish(case, None if over else case.answer_by)
        if over:
            actions.take_step(case, event, DESK)


def sweep_clocks() -> int:
    """Raise the cases whose party has had the ball for too long."""
    return owed.work_through("clocks", Clock.objects.all(), fire, worst=2, parked=alerts.given_up)


def fire(clock: Clock) -> None:
    """Raise the case of ``clock`` as far as its rules say by now, each level once."""
    now = timezone.now()
    with transaction.atomic():
        # The case first: a step that somebody takes at this moment stops the clock under its lock.
        case = Case.objects.select_for_update().get(pk=clock.case_id)
        owed.finish(clock)
        while rule := ladder.due_rule(clock, case.level, now):
            before = case.level
            key = f"clock:{clock.pk}:{case.level + 1}"
            note = _("%(party)s has had the ball for %(hours)d hours.") % {
                "party": clock.get_party_display(),
                "hours": rule.hours,
            }
            try:
                actions.take_step(case, Event.ESCALATE, DESK, note=note, key=key)
            except NotAllowed:
                break
            if case.level == before:
                break
        owed.owe_at(clock, ladder.following(clock, case.level))


def prune_drafts() -> int:
    """Delete uploads that filled in a form a day ago; return how many."""
    old = Draft.objects.filter(made_at__lt=timezone.now() - timedelta(days=DRAFT_DAYS))
    return old.delete()[0]
