"""What can be done to a case.  Every step of one goes through ``take_step``.

A ticket is opened in ``tickets.opening``; messages are written in
``tickets.talking``.  What follows from a step (taking the prefix off the list,
asking a party, ending the tickets) stands here, one function an event, and
commits together with the step.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from escalation import owed
from escalation.actors import CUSTOMER, DESK, SENDER, Actor, Role
from escalation.lifecycle import NotAllowed, advance
from listings import actions as listing_actions
from mailroom.rendering import clean
from ownership import actions as owners
from tickets import emails, ladder, talking
from tickets.guards import HIGHEST
from tickets.lifecycle import (
    DECIDED,
    QUIET,
    TURN,
    WITH_PARTY,
    Event,
    Party,
    State,
)
from tickets.models import Case, Conversation, Entry, Message, Ticket

LOOK_AGAIN = timedelta(hours=1)  # an open case is looked at this often, whatever else wakes it
POLL_SINKS = timedelta(minutes=1)
EXPLAINED_DAYS = 14  # that a case which is not about our list stays open to "look again"


def take_step(
    case: Case,
    event: str,
    actor: Actor,
    *,
    note: str = "",
    key: str = "",
    ticket: Ticket | None = None,
) -> Entry:
    """Take ``case`` one step, with all that follows from it, in one transaction.

    Raises ``NotAllowed`` or ``NotYours`` with words, see ``lifecycle.advance``.
    """
    key, note = actor.own_key(key, ticket.pk if ticket else ""), clean(note)

    def follow(case: Case, entry: Entry) -> None:
        if entry.changed_state:
            start_turn(case)
        if consequence := CONSEQUENCES.get(entry.event):
            consequence(case, entry)
        if case.state in QUIET and entry.changed_state:
            _end(case)

    with transaction.atomic():
        case.refresh_from_db(from_queryset=Case.objects.select_for_update())
        if ticket is not None and event in OF_OPEN_TICKETS and not _is_open(ticket):
            raise NotAllowed(_("This ticket has ended: open it again first."))
        number = case.level + 1 if event in RISING else None
        entry: Entry = advance(
            case, event, actor, note=note, key=key, effect=follow, ticket=ticket, number=number
        )
    return entry


def _is_open(ticket: Ticket) -> bool:
    return Ticket.objects.filter(pk=ticket.pk, ended_at=None).exists()


def start_turn(case: Case) -> None:
    """Pass the ball: stop the clock that runs, start the next party's, set the due times."""
    now = timezone.now()
    ladder.start_clock(case, TURN[case.state], now)
    case.answer_by = _answer_by(case, now)
    case.save(update_fields=["answer_by"])
    owed.owe_at(case, _look_at(case, now))


def _answer_by(case: Case, now: datetime) -> datetime | None:
    days: dict[str, int] = {
        **dict.fromkeys(WITH_PARTY, settings.POSTERN_PARTY_DAYS),
        State.AWAITING_OWNER: settings.POSTERN_OWNER_DAYS[-1],
        State.DELISTED: settings.POSTERN_WATCH_DAYS,
        State.REFUSED: settings.POSTERN_APPEAL_DAYS,
        State.NOT_LISTED: EXPLAINED_DAYS,
    }
    if case.state == State.DELISTING:
        return now + timedelta(hours=settings.POSTERN_DELIST_HOURS)
    if case.state in days:
        return now + timedelta(days=days[case.state])
    return ladder.answer_by(case, now) if case.state not in DECIDED else None


def _look_at(case: Case, now: datetime) -> datetime | None:
    if case.state in QUIET:
        return None
    if case.state == State.GATHERING:
        return now
    if case.state == State.DELISTING:
        return now + POLL_SINKS
    latest = now + LOOK_AGAIN
    answer_by: datetime | None = case.answer_by
    return min(answer_by, latest) if answer_by else latest


# -- What follows from a step ---------------------------------------------------


def _approved(case: Case, entry: Entry) -> None:
    actor = Actor(Role(entry.role), entry.user)
    case.gone_serial = listing_actions.take_out(
        case.network, actor=actor, reason=str(case), key=f"case:{case.pk}:{entry.pk}"
    )
    case.save(update_fields=["gone_serial"])


def _ask(party: Party) -> "Callable[[Case, Entry], None]":
    def ask(case: Case, entry: Entry) -> None:
        actor = Actor(Role(entry.role), entry.user)
        talking.tell(case, party, actor, entry.note, key=f"entry:{entry.pk}")

    return ask


def _refused(case: Case, entry: Entry) -> None:
    for party in (Party.CUSTOMER, Party.SENDER):
        talking.tell(case, party, DESK, entry.note, key=f"entry:{entry.pk}")


def _told(case: Case, entry: Entry) -> None:
    """Tell customers and senders that the state has changed, each by a letter of their own."""
    for party in (Party.CUSTOMER, Party.SENDER):
        for conversation in talking.with_party(case, party):
            emails.state_changed(conversation, entry)


def _risen(case: Case, entry: Entry) -> None:
    """One level up; the agents of that level hear of it, and have their own time."""
    case.level = min(case.level + 1, HIGHEST)
    if TURN[case.state] == Party.DESK:
        case.answer_by = _answer_by(case, timezone.now())
    case.save(update_fields=["level", "answer_by"])
    ladder.tell_level(case, entry)


def _unknown(case: Case, entry: Entry) -> None:
    """Nobody speaks for the space: a matter for agents of level 2."""
    if case.level < ladder.JUDGING:
        case.level = ladder.JUDGING
        case.save(update_fields=["level"])
        ladder.tell_level(case, entry)


def _relapsed(case: Case, entry: Entry) -> None:
    _risen(case, entry)
    _told(case, entry)


def _claimed(case: Case, entry: Entry) -> None:
    case.agent, case.claimed_at = entry.user, entry.happened_at
    case.save(update_fields=["agent", "claimed_at"])


def _released(case: Case, entry: Entry) -> None:
    case.agent = case.claimed_at = None
    case.save(update_fields=["agent", "claimed_at"])


def _asked_again(case: Case, entry: Entry) -> None:
    if case.inquiry is not None:
        case.inquiry = owners.reopen_inquiry(case.inquiry)
        case.save(update_fields=["inquiry"])


def _asked_by_hand(case: Case, entry: Entry) -> None:
    """Write to the contact that another agent proposed; its address is that note's first word."""
    proposed = case.entries.filter(event=Event.PROPOSE_CONTACT).last()
    if proposed is None or case.inquiry is None:
        raise NotAllowed(_("No contact has been proposed."))
    email, _sep, reason = proposed.note.partition(" ")
    case.inquiry = owners.ask_by_hand(
        case.inquiry,
        email,
        reason=reason,
        proposed_by=str(proposed.user),
        agreed_by=str(entry.user),
    )
    case.save(update_fields=["inquiry"])


def _reopened(case: Case, entry: Entry) -> None:
    """The tickets stay ended: whoever opens the case again says for which ticket."""
    if entry.ticket is not None:
        Ticket.objects.filter(pk=entry.ticket.pk).update(ended_at=None)


def _end(case: Case) -> None:
    case.tickets.filter(ended_at=None).update(ended_at=timezone.now())
    if case.inquiry is not None:
        owners.close_inquiry(case.inquiry)


CONSEQUENCES: "dict[str, Callable[[Case, Entry], None]]" = {
    Event.APPROVE: _approved,
    Event.ASK_SENDER: _ask(Party.SENDER),
    Event.ASK_CUSTOMER: _ask(Party.CUSTOMER),
    Event.REFUSE: _refused,
    Event.CONFIRMED_GONE: _told,
    Event.FOUND_NOT_LISTED: _told,
    Event.OWNER_UNKNOWN: _unknown,
    Event.SINK_FAILED: _risen,
    Event.RELAPSE: _relapsed,
    Event.APPEAL: _risen,
    Event.ESCALATE: _risen,
    Event.CLAIM: _claimed,
    Event.RELEASE: _released,
    Event.ASK_AGAIN: _asked_again,
    Event.ASK_BY_HAND: _asked_by_hand,
    Event.REOPEN: _reopened,
}
# Steps for those who wait: who has withdrawn does not act for the others on the case.
OF_OPEN_TICKETS = frozenset({Event.ESCALATE, Event.APPEAL, Event.INSIST})
RISING = frozenset({Event.ESCALATE, Event.APPEAL, Event.RELAPSE, Event.SINK_FAILED})


# -- What the parties do -----------------------------------------------------------


def say(
    conversation: Conversation,
    actor: Actor,
    text: str,
    *,
    files: tuple[talking.File, ...] = (),
    key: str = "",
) -> Message:
    """Write into a conversation; a reply that we waited for brings the case back to review.

    The desk's own words go out by letter.  Raises as ``talking.post`` does.
    """
    with transaction.atomic():
        case = Case.objects.select_for_update().get(pk=conversation.case_id)
        message = talking.post(conversation, actor, text, files=files, key=key)
        ticket = conversation.ticket
        if actor.role in {Role.AGENT, Role.DESK}:
            if conversation.party in {Party.CUSTOMER, Party.SENDER}:
                emails.new_message(conversation, message)
        elif ticket is None or not _is_open(ticket):
            pass  # kept, and read; but who has left answers no question for the others
        elif actor.role == Role.SENDER and case.state == State.AWAITING_SENDER:
            take_step(case, Event.SENDER_REPLIED, actor, ticket=ticket)
        elif actor.role in CUSTOMER and case.state == State.AWAITING_CUSTOMER:
            take_step(case, Event.CUSTOMER_REPLIED, actor, ticket=ticket)
    return message


def attest(ticket: Ticket, what_was_wrong: str, what_changed: str) -> None:
    """Keep the sender's statement; it answers a question that we waited for, as a reply does."""
    with transaction.atomic():
        case = Case.objects.select_for_update().get(pk=ticket.case_id)
        talking.attest(ticket, what_was_wrong, what_changed)
        if case.state == State.AWAITING_SENDER and _is_open(ticket):
            take_step(case, Event.SENDER_REPLIED, SENDER, ticket=ticket)


def withdraw(ticket: Ticket, actor: Actor, *, note: str = "", key: str = "") -> None:
    """End one tenant's ticket; the last one takes the case with it.

    Raises ``NotAllowed`` for a ticket that has ended, or while the removal runs.
    """
    with transaction.atomic():
        case = Case.objects.select_for_update().get(pk=ticket.case_id)
        if key and case.entries.filter(key=actor.own_key(key, ticket.pk)).exists():
            return
        ended = Ticket.objects.filter(pk=ticket.pk, ended_at=None)
        if not ended.update(ended_at=timezone.now()):
            raise NotAllowed(_("This ticket has ended already."))
        if case.tickets.filter(ended_at=None).exists():
            own = actor.own_key(key, ticket.pk)
            advance(case, Event.LEFT, actor, note=note, key=own, ticket=ticket)
        else:
            take_step(case, Event.WITHDRAW, actor, note=note, key=key, ticket=ticket)
    ticket.refresh_from_db()


def escalate(ticket: Ticket, actor: Actor, *, note: str, key: str = "") -> Entry:
    """Raise the case by one level, once per tenant and level, with a reason."""
    if ticket.ended_at is not None:
        raise NotAllowed(_("This ticket has ended: open it again first."))
    return take_step(ticket.case, Event.ESCALATE, actor, note=note, key=key, ticket=ticket)
