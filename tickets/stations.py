"""Where a case stands, as a line of stations, and whose turn it is, in words.

Pure: from the state and the history to what a page shows.  Customers and
senders see the same line; neither learns who the owner is or what they said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import F, Q
from django.utils.translation import gettext as _

from escalation.standing import Station, Turn
from tickets.lifecycle import BEFORE_DECISION, CASE, QUIET, TURN, Event, Party, State
from tickets.models import Case, Entry, Ticket


@dataclass(frozen=True, slots=True)
class _Stop:
    """One station: the states in which a case stands at it."""

    name: str
    states: frozenset[str]


GATHER = _Stop("gathered", frozenset({State.GATHERING}))
OWNER = _Stop("owner", frozenset({State.AWAITING_OWNER}))
DECIDE = _Stop(
    "decides",
    frozenset(
        {
            State.IN_REVIEW,
            State.OWNER_UNKNOWN,
            State.OWNER_DENIED,
            State.AWAITING_SENDER,
            State.AWAITING_CUSTOMER,
        }
    ),
)
REMOVE = _Stop("delisting", frozenset({State.DELISTING}))
WATCH = _Stop("watched", frozenset({State.DELISTED}))
LINE = (GATHER, OWNER, DECIDE, REMOVE, WATCH)
HALTS = frozenset({State.REFUSED, State.NOT_LISTED, State.WITHDRAWN})


def _labels() -> dict[str, str]:
    return {
        "gathered": _("Facts gathered"),
        "owner": _("Owner asked"),
        "decides": _("Desk decides"),
        "delisting": _("Coming off the list"),
        "watched": _("Off the list, watched"),
    }


def line(case: Case, entries: Sequence[Entry], opened_at: datetime) -> list[Station]:
    """The stations of ``case``: what is done, where it stands, what is still to come."""
    labels = _labels()
    done_at = _left_at(entries)
    stations = [_station(_("Opened"), opened_at, "done")]
    here = next((i for i, stop in enumerate(LINE) if case.state in stop.states), None)
    for i, stop in enumerate(LINE):
        if i == here:
            stations.append(_now(case, labels[stop.name]))
        elif stop.name in done_at and (here is None or i < here):
            stations.append(_station(labels[stop.name], done_at[stop.name], "done"))
        elif here is not None and i > here:
            stations.append(_station(labels[stop.name], None, "later"))
    if here is None:
        stations.append(_end(case))
    return stations


def _left_at(entries: Sequence[Entry]) -> dict[str, datetime]:
    """When the case last left each station."""
    left: dict[str, datetime] = {}
    for entry in entries:
        for stop in LINE:
            if entry.target in HALTS - {State.REFUSED} and stop is not GATHER:
                continue  # it ended there, undecided
            if entry.changed_state and entry.source in stop.states:
                left[stop.name] = entry.happened_at
    return left


def _station(label: str, when: datetime | None, state: str, party: str = "") -> Station:
    return Station(label=label, when=when, state=state, party=party)


def _now(case: Case, label: str) -> Station:
    return _station(label, case.state_since, "now", TURN[case.state].value)


def _end(case: Case) -> Station:
    state = "halt" if case.state in HALTS else "done"
    return _station(str(State(case.state).label), case.state_since, state)


def turn(case: Case, reader: Party) -> Turn:
    """Whose turn it is, as ``reader`` is told."""
    party = TURN[case.state]
    yours = party == reader
    text = _("Your turn") if yours else _waiting(party, case)
    return Turn(
        party=party.value,
        yours=yours,
        text=text,
        since=case.state_since,
        small=_small(case, yours, reader),
    )


def _waiting(party: Party, case: Case) -> str:
    if party == Party.NOBODY:
        return {
            State.DELISTED: _("Nobody’s turn: the address is off the list"),
            State.REFUSED: _("Nobody’s turn: the desk refused"),
            State.NOT_LISTED: _("Nobody’s turn: it is not on our list"),
        }.get(State(case.state), _("Nobody’s turn: this has ended"))
    return {
        Party.CUSTOMER: _("Waiting for the customer"),
        Party.SENDER: _("Waiting for the sender"),
        Party.OWNER: _("Waiting for the owner of the address space"),
        Party.DESK: _("Waiting for the desk"),
    }[party]


def _small(case: Case, yours: bool, reader: Party) -> str:
    if reader == Party.SENDER and case.state in BEFORE_DECISION - {State.AWAITING_SENDER}:
        return _("Meanwhile, tell us below what was wrong and what you changed.")
    if yours:
        return _("The desk asked you a question below.")
    words = {
        State.GATHERING: _("We look up the list, the registry and the DNS. This takes a minute."),
        State.AWAITING_OWNER: _("You need do nothing. We found them in the registry and asked."),
        State.IN_REVIEW: _("A person at the desk looks at the evidence and decides."),
        State.OWNER_UNKNOWN: _("The owner could not be reached: a person at the desk decides."),
        State.AWAITING_SENDER: _("We asked the sender a question."),
        State.AWAITING_CUSTOMER: _("We asked the person who opened the ticket a question."),
        State.DELISTING: _("Approved. Every mail server must prove that it has the new list."),
        State.DELISTED: _("Every mail server has proved it. We watch the address for %d days.")
        % settings.POSTERN_WATCH_DAYS,
        State.REFUSED: _("The reason is in the conversation. An appeal is possible for %d days.")
        % settings.POSTERN_APPEAL_DAYS,
        State.NOT_LISTED: _("Below is what refused the mail, as far as the reply says it."),
    }
    return words.get(public_state(case), "")


def live(case: Case) -> int:
    """After how many seconds a page may ask again, while the jobs have the ball; 0 for never."""
    return 3 if case.state in {State.GATHERING, State.DELISTING} else 0


def public_state(case: Case) -> State:
    """The state as customers and senders may know it: never what the owner answered."""
    return State(CASE.told(case.state))


def has_left(ticket: Ticket) -> bool:
    """Whether the ticket ended before its case did: the rest is other tenants' matter."""
    case, ended_at = ticket.case, ticket.ended_at
    return ended_at is not None and (case.state not in QUIET or ended_at < case.state_since)


def left() -> Q:
    """The same, to ask of many tickets."""
    early = ~Q(case__state__in=QUIET) | Q(ended_at__lt=F("case__state_since"))
    return Q(ended_at__isnull=False) & early


def as_known(ticket: Ticket) -> Case:
    """The case as the ticket's parties may follow it: until they left, and no further.

    For those who left a stand-in, never saved: it looks as if the case had
    ended with their ticket, so that nobody learns of others who still wait.
    """
    case = ticket.case
    if not has_left(ticket):
        return case
    return Case(
        pk=case.pk,
        prefix=case.prefix,
        state=State.WITHDRAWN,
        state_since=ticket.ended_at or case.state_since,
        level=case.level,
        listing_id=case.listing_id,
        inquiry_id=case.inquiry_id,
        opened_at=case.opened_at,
    )


def known_entries(ticket: Ticket) -> list[Entry]:
    """The steps of the case that the line of stations is drawn from."""
    entries = list(ticket.case.entries.order_by("-pk")[:MOST_ENTRIES])[::-1]
    end = ticket.ended_at
    return [one for one in entries if end is None or _is_of(one, ticket) or one.happened_at <= end]


def _is_of(entry: Entry, ticket: Ticket) -> bool:
    return entry.ticket_id == ticket.pk


MOST_ENTRIES = 500  # steps of one case that are ever read for a page

# Steps that are the desk's own business, or say what the owner answered.
PRIVATE = frozenset(
    {
        Event.CLAIM,
        Event.RELEASE,
        Event.PROPOSE_CONTACT,
        Event.ASK_BY_HAND,
        Event.ASK_AGAIN,
        Event.ENDORSE,
        Event.JUDGE,
        Event.LEFT,
    }
)
OWNERS_WORD = frozenset(
    {Event.OWNER_CONFIRMED, Event.OWNER_DENIED, Event.OWNER_UNKNOWN, Event.PROOF_ON_FILE}
)


def public_entries(case: Case, ticket: Ticket) -> list[Entry]:
    """The steps that a tenant may know: the desk's, and those of its own ticket."""
    known = case.entries.exclude(event__in=PRIVATE).filter(happened_at__gte=ticket.opened_at)
    shared = Q(ticket=None)
    if ticket.ended_at is not None:
        shared &= Q(happened_at__lte=ticket.ended_at)
    return list(known.filter(shared | Q(ticket=ticket)).order_by("-pk")[:MOST_ENTRIES])[::-1]


def public_event(entry: Entry) -> str:
    """The name of the step; one name for whatever the owner answered."""
    return "owner_was_asked" if entry.event in OWNERS_WORD else entry.event


def public_label(entry: Entry) -> str:
    """The step in words that say nothing of the owner's answer."""
    if entry.event in OWNERS_WORD:
        return _("The owner was asked; the desk goes on")
    return str(Event(entry.event).label)


def states_shown_as(state: str) -> list[str]:
    """The states that outsiders know by the name of ``state``."""
    return [one for one in State.values if CASE.told(one) == state]
