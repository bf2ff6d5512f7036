"""The life of a listing.

No step wakes a sweep: ``listings.actions`` asks for a publication once for all
the steps of a transaction, and that nudges.
"""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from escalation.actors import Role
from escalation.lifecycle import Lifecycle, Transition


class State(TextChoices):
    PENDING = "pending", _("Pending")
    ACTIVE = "active", _("Active")
    PENDING_REMOVAL = "pending_removal", _("Being removed")
    REMOVED = "removed", _("Removed")


class Event(TextChoices):
    ACTIVATE = "activate", _("Activate")
    REMOVE = "remove", _("Remove")
    EXPIRE = "expire", _("Expire")
    CONFIRM_GONE = "confirm_gone", _("Every sink has let go")
    RELIST = "relist", _("List again")
    CANCEL = "cancel", _("Cancel")


STAFF = frozenset({Role.AGENT, Role.DESK})
DESK_ONLY = frozenset({Role.DESK})

# fmt: off
LISTING = Lifecycle(
    name="listing", states=State, events=Event, initial=State.PENDING,
    final=frozenset({State.REMOVED}),
    transitions=(
        Transition(Event.ACTIVATE, frozenset({State.PENDING}), State.ACTIVE, STAFF),
        Transition(Event.CANCEL, frozenset({State.PENDING}), State.REMOVED, STAFF),
        Transition(Event.REMOVE, frozenset({State.ACTIVE}), State.PENDING_REMOVAL, STAFF),
        Transition(Event.EXPIRE, frozenset({State.ACTIVE}), State.PENDING_REMOVAL,
                   DESK_ONLY),
        Transition(Event.CONFIRM_GONE, frozenset({State.PENDING_REMOVAL}), State.REMOVED,
                   DESK_ONLY),
        Transition(Event.RELIST, frozenset({State.PENDING_REMOVAL, State.REMOVED}), State.ACTIVE,
                   STAFF),
    ),
)
# fmt: on
