"""The life of a request to take an address off the list.

``asked`` until the person presses the button behind the link, ``confirmed`` while the desk checks
once more and the sinks let go, ``lifted`` when every sink has proved it.
"""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from delisting import guards
from escalation.actors import Role
from escalation.lifecycle import Lifecycle, Transition


class State(TextChoices):
    ASKED = "asked", _("Asked")
    CONFIRMED = "confirmed", _("Confirmed")
    COOLING_DOWN = "cooling_down", _("Cooling down")
    LIFTED = "lifted", _("Lifted")
    HANDED_OVER = "handed_over", _("Handed over")
    REFUSED = "refused", _("Refused")
    EXPIRED = "expired", _("Expired")


class Event(TextChoices):
    WRITE_AGAIN = "write_again", _("Send the letter to another mailbox")
    PROVED = "proved", _("A mail from the address has come")
    CONFIRM = "confirm", _("Take it off the list")
    COOL_DOWN = "cool_down", _("Wait")
    GO_ON = "go_on", _("Go on after the wait")
    TAKE_OFF = "take_off", _("Take it off")
    LIFT = "lift", _("Every sink has let go")
    HAND_OVER = "hand_over", _("Hand it over to people")
    REFUSE = "refuse", _("Refuse")
    EXPIRE = "expire", _("Nobody has confirmed")
    RELISTED = "relisted", _("Listed again")


S, E = State, Event
SENDER_ONLY, DESK_ONLY = frozenset({Role.SENDER}), frozenset({Role.DESK})
OPEN = frozenset({S.ASKED, S.CONFIRMED, S.COOLING_DOWN})

# fmt: off
DELIST_REQUEST = Lifecycle(
    name="delist request", states=State, events=Event, initial=S.ASKED,
    final=frozenset({S.LIFTED, S.HANDED_OVER, S.REFUSED, S.EXPIRED}),
    transitions=(
        Transition(E.WRITE_AGAIN, frozenset({S.ASKED}), None, SENDER_ONLY,
                   guard=guards.may_write_again),
        Transition(E.PROVED, frozenset({S.ASKED}), None, DESK_ONLY),
        Transition(E.CONFIRM, frozenset({S.ASKED}), S.CONFIRMED, SENDER_ONLY,
                   guard=guards.link_is_fresh, nudges=("delistings",)),
        Transition(E.COOL_DOWN, frozenset({S.CONFIRMED}), S.COOLING_DOWN, DESK_ONLY),
        Transition(E.GO_ON, frozenset({S.COOLING_DOWN}), S.CONFIRMED, DESK_ONLY,
                   guard=guards.wait_is_over, nudges=("delistings",)),
        Transition(E.TAKE_OFF, frozenset({S.CONFIRMED}), None, DESK_ONLY,
                   guard=guards.is_not_taken_off),
        Transition(E.LIFT, frozenset({S.CONFIRMED}), S.LIFTED, DESK_ONLY,
                   guard=guards.every_sink_let_go),
        Transition(E.HAND_OVER, frozenset({S.CONFIRMED}), S.HANDED_OVER, DESK_ONLY,
                   guard=guards.is_not_taken_off),
        Transition(E.REFUSE, frozenset({S.CONFIRMED}), S.REFUSED, DESK_ONLY,
                   guard=guards.is_not_taken_off),
        Transition(E.EXPIRE, frozenset({S.ASKED}), S.EXPIRED, DESK_ONLY,
                   guard=guards.link_has_expired),
        Transition(E.RELISTED, frozenset({S.LIFTED}), None, DESK_ONLY,
                   guard=guards.is_listed_again),
    ),
)
# fmt: on
