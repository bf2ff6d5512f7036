"""The life of a request: one question to one contact of one network."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from escalation.actors import Role
from escalation.lifecycle import Lifecycle, Transition


class State(TextChoices):
    QUEUED = "queued", _("Queued")
    SENT = "sent", _("Sent")
    ACKNOWLEDGED = "acknowledged", _("Acknowledged by a robot")
    BOUNCED = "bounced", _("Bounced")
    ANSWERED = "answered", _("Answered")
    EXPIRED = "expired", _("Expired")
    CANCELLED = "cancelled", _("Cancelled")


class Event(TextChoices):
    SEND = "send", _("Letter accepted by their server")
    ACKNOWLEDGE = "acknowledge", _("A robot acknowledged")
    BOUNCE = "bounce", _("Letter refused")
    REMIND = "remind", _("Reminded")
    ANSWER = "answer", _("Answered")
    EXPIRE = "expire", _("Expired")
    CANCEL = "cancel", _("Cancelled")


OPEN = frozenset({State.QUEUED, State.SENT, State.ACKNOWLEDGED})
DESK_ONLY = frozenset({Role.DESK})

# fmt: off
REQUEST = Lifecycle(
    name="request", states=State, events=Event, initial=State.QUEUED,
    final=frozenset({State.BOUNCED, State.ANSWERED, State.EXPIRED, State.CANCELLED}),
    transitions=(
        Transition(Event.SEND, frozenset({State.QUEUED}), State.SENT, DESK_ONLY),
        Transition(Event.ACKNOWLEDGE, frozenset({State.SENT}), State.ACKNOWLEDGED, DESK_ONLY),
        Transition(Event.REMIND, frozenset({State.SENT, State.ACKNOWLEDGED}), None, DESK_ONLY),
        Transition(Event.BOUNCE, OPEN, State.BOUNCED, DESK_ONLY, nudges=("inquiries",)),
        Transition(Event.ANSWER, OPEN, State.ANSWERED,
                   frozenset({Role.OWNER, Role.AGENT}), nudges=("inquiries",)),
        Transition(Event.EXPIRE, OPEN, State.EXPIRED, DESK_ONLY, nudges=("inquiries",)),
        Transition(Event.CANCEL, OPEN, State.CANCELLED, frozenset({Role.DESK, Role.AGENT})),
    ),
)
# fmt: on
