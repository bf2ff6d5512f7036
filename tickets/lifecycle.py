"""The life of a case: every state, every event, and nothing else.

This table decides; ``tickets.actions`` carries out.  It draws the buttons of
the desk, the pages and the API, the diagram in docs/lifecycle.md, and the
property tests.
"""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from escalation.actors import CUSTOMER, Role
from escalation.lifecycle import Lifecycle, Transition
from tickets import guards


class State(TextChoices):
    GATHERING = "gathering", _("Gathering facts")
    AWAITING_OWNER = "awaiting_owner", _("Waiting for the owner")
    OWNER_UNKNOWN = "owner_unknown", _("Owner unknown")
    OWNER_DENIED = "owner_denied", _("Owner says no")
    IN_REVIEW = "in_review", _("In review")
    AWAITING_SENDER = "awaiting_sender", _("Waiting for the sender")
    AWAITING_CUSTOMER = "awaiting_customer", _("Waiting for the customer")
    DELISTING = "delisting", _("Delisting")
    DELISTED = "delisted", _("Off the list, watched")
    REFUSED = "refused", _("Refused")
    NOT_LISTED = "not_listed", _("Not on our list")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    CLOSED = "closed", _("Closed")


class Event(TextChoices):
    OPENED = "opened", _("A ticket was opened")
    ASK_OWNER = "ask_owner", _("Ask the owner")
    PROOF_ON_FILE = "proof_on_file", _("Proof is on file")
    FOUND_NOT_LISTED = "found_not_listed", _("Not on our list")
    OWNER_CONFIRMED = "owner_confirmed", _("Owner confirmed")
    OWNER_DENIED = "owner_denied", _("Owner said no")
    OWNER_UNKNOWN = "owner_unknown", _("No owner answered")
    PROPOSE_CONTACT = "propose_contact", _("Propose a contact")
    ASK_BY_HAND = "ask_by_hand", _("Write to the proposed contact")
    ASK_AGAIN = "ask_again", _("Ask the owner again")
    JUDGE = "judge", _("Review without the owner")
    ASK_SENDER = "ask_sender", _("Ask the sender")
    ASK_CUSTOMER = "ask_customer", _("Ask the customer")
    SENDER_REPLIED = "sender_replied", _("The sender replied")
    CUSTOMER_REPLIED = "customer_replied", _("The customer replied")
    SILENCE = "silence", _("No reply in time")
    ENDORSE = "endorse", _("Approve as the first of two")
    APPROVE = "approve", _("Approve: take it off the list")
    REFUSE = "refuse", _("Refuse")
    CONFIRMED_GONE = "confirmed_gone", _("Every sink has let go")
    SINK_FAILED = "sink_failed", _("A sink did not let go in time")
    RELAPSE = "relapse", _("It offended again")
    WATCH_ENDED = "watch_ended", _("The watch ended clean")
    APPEAL = "appeal", _("Appeal")
    APPEAL_ENDED = "appeal_ended", _("Nobody appealed in time")
    INSIST = "insist", _("Look again")
    EXPLAINED = "explained", _("Nobody insisted")
    CLAIM = "claim", _("Take this case")
    RELEASE = "release", _("Give this case back")
    ESCALATE = "escalate", _("Escalate")
    LEFT = "left", _("One of several tickets was withdrawn")
    WITHDRAW = "withdraw", _("Withdraw")
    REOPEN = "reopen", _("Open again")


S, E = State, Event
DESK = frozenset({Role.DESK})
AGENT = frozenset({Role.AGENT})
ADMIN = frozenset({Role.ADMIN})

QUIET = frozenset({S.WITHDRAWN, S.CLOSED})
DECIDED = frozenset({S.DELISTED, S.REFUSED, S.NOT_LISTED}) | QUIET
OPEN = frozenset(S) - DECIDED
BEFORE_DECISION = OPEN - {S.DELISTING}
MAY_LEAVE = frozenset(S) - QUIET - {S.DELISTING, S.DELISTED}
WITH_AGENT = frozenset({S.IN_REVIEW, S.OWNER_UNKNOWN, S.OWNER_DENIED})
WITH_PARTY = frozenset({S.AWAITING_SENDER, S.AWAITING_CUSTOMER})
REVIEWED = AGENT | DESK

# fmt: off
CASE = Lifecycle(
    name="case", states=State, events=Event, initial=S.GATHERING, final=QUIET,
    told_as={S.OWNER_DENIED: S.IN_REVIEW},  # what the owner answered stays with the desk
    transitions=(
        Transition(E.OPENED, frozenset(S) - QUIET, None, ADMIN, nudges=("cases",)),
        # what the jobs find out
        Transition(E.ASK_OWNER, frozenset({S.GATHERING}), S.AWAITING_OWNER, DESK),
        Transition(E.PROOF_ON_FILE, frozenset({S.GATHERING}), S.IN_REVIEW, DESK,
                   guard=guards.owner_has_agreed),
        Transition(E.FOUND_NOT_LISTED, BEFORE_DECISION, S.NOT_LISTED, DESK,
                   guard=guards.is_not_listed),
        Transition(E.OWNER_CONFIRMED, frozenset({S.AWAITING_OWNER, S.OWNER_UNKNOWN}),
                   S.IN_REVIEW, DESK, guard=guards.owner_has_agreed),
        Transition(E.OWNER_DENIED, frozenset({S.GATHERING, S.AWAITING_OWNER, S.OWNER_UNKNOWN}),
                   S.OWNER_DENIED, DESK),
        Transition(E.OWNER_UNKNOWN, frozenset({S.GATHERING, S.AWAITING_OWNER}),
                   S.OWNER_UNKNOWN, DESK),
        # what agents decide
        Transition(E.PROPOSE_CONTACT, frozenset({S.OWNER_UNKNOWN}), None, AGENT, needs_note=True),
        Transition(E.ASK_BY_HAND, frozenset({S.OWNER_UNKNOWN}), S.AWAITING_OWNER, AGENT,
                   guard=guards.another_agent_proposed),
        Transition(E.ASK_AGAIN, frozenset({S.OWNER_DENIED}), S.AWAITING_OWNER, AGENT,
                   needs_note=True),
        Transition(E.JUDGE, frozenset({S.OWNER_UNKNOWN}), S.IN_REVIEW, AGENT,
                   guard=guards.is_level_two_agent, needs_note=True),
        Transition(E.ENDORSE, frozenset({S.IN_REVIEW}), None, AGENT,
                   guard=guards.first_approval_is_wanted),
        Transition(E.APPROVE, frozenset({S.IN_REVIEW}), S.DELISTING, AGENT,
                   guard=guards.may_be_approved, nudges=("publications",)),
        Transition(E.ASK_SENDER, frozenset({S.IN_REVIEW}), S.AWAITING_SENDER, AGENT,
                   guard=guards.has_a_sender, needs_note=True),
        Transition(E.ASK_CUSTOMER, frozenset({S.IN_REVIEW}), S.AWAITING_CUSTOMER, AGENT,
                   guard=guards.has_a_ticket, needs_note=True),
        Transition(E.REFUSE, WITH_AGENT, S.REFUSED, AGENT, needs_note=True),
        Transition(E.CLAIM, OPEN, None, AGENT, guard=guards.is_free_to_claim),
        Transition(E.RELEASE, OPEN, None, AGENT, guard=guards.is_claimed_by_me),
        # what the parties do
        Transition(E.SENDER_REPLIED, frozenset({S.AWAITING_SENDER}), S.IN_REVIEW,
                   frozenset({Role.SENDER})),
        Transition(E.CUSTOMER_REPLIED, frozenset({S.AWAITING_CUSTOMER}), S.IN_REVIEW, CUSTOMER),
        Transition(E.SILENCE, WITH_PARTY, S.IN_REVIEW, DESK),
        Transition(E.APPEAL, frozenset({S.REFUSED}), S.IN_REVIEW, ADMIN | {Role.SENDER},
                   needs_note=True),
        Transition(E.INSIST, frozenset({S.NOT_LISTED}), S.GATHERING, ADMIN | REVIEWED,
                   guard=guards.has_not_insisted_lately, nudges=("cases",)),
        Transition(E.ESCALATE, OPEN, None, ADMIN | REVIEWED, guard=guards.can_go_higher,
                   needs_note=True),
        Transition(E.LEFT, MAY_LEAVE, None, ADMIN),
        Transition(E.WITHDRAW, MAY_LEAVE, S.WITHDRAWN, ADMIN, guard=guards.nobody_else_waits),
        Transition(E.REOPEN, QUIET, S.GATHERING, ADMIN | REVIEWED,
                   guard=guards.no_other_is_live, nudges=("cases",)),
        # what the sinks and the clock say
        Transition(E.CONFIRMED_GONE, frozenset({S.DELISTING}), S.DELISTED, DESK,
                   guard=guards.every_sink_let_go),
        Transition(E.SINK_FAILED, frozenset({S.DELISTING}), S.IN_REVIEW, DESK),
        Transition(E.RELAPSE, frozenset({S.DELISTED}), S.IN_REVIEW, DESK,
                   guard=guards.has_offended_again),
        Transition(E.WATCH_ENDED, frozenset({S.DELISTED}), S.CLOSED, DESK),
        Transition(E.APPEAL_ENDED, frozenset({S.REFUSED}), S.CLOSED, DESK),
        Transition(E.EXPLAINED, frozenset({S.NOT_LISTED}), S.CLOSED, DESK),
    ),
)
# fmt: on


class Party(TextChoices):
    """Whose turn it is, and with whom the desk speaks."""

    CUSTOMER = "customer", _("Customer")
    SENDER = "sender", _("Sender")
    OWNER = "owner", _("Owner")
    DESK = "desk", _("Desk")
    NOBODY = "nobody", _("Nobody")


# A party and a state as people meet them: whose turn it is in each state.
TURN: dict[str, Party] = {
    S.AWAITING_OWNER: Party.OWNER,
    S.AWAITING_SENDER: Party.SENDER,
    S.AWAITING_CUSTOMER: Party.CUSTOMER,
    **dict.fromkeys(DECIDED, Party.NOBODY),
    **dict.fromkeys(WITH_AGENT | {S.GATHERING, S.DELISTING}, Party.DESK),
}
