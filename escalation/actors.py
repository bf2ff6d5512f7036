"""Who acts: a person in a role, or the desk itself.  Passed to every write."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from customers.models import User


class Role(TextChoices):
    """The part in which somebody acts; one person may have several."""

    ADMIN = "admin", _("customer admin")
    MEMBER = "member", _("customer")
    SENDER = "sender", _("sender")
    OWNER = "owner", _("owner of the address space")
    AGENT = "agent", _("agent")
    DESK = "desk", _("the desk")


CUSTOMER = frozenset({Role.ADMIN, Role.MEMBER})


@dataclass(frozen=True, slots=True)
class Actor:
    """A person in a role.

    ``tenant_id`` is set for the customer's roles, ``level`` (0 to 3) for
    agents.  Senders and owners have no account: ``user`` is None, and the
    link that they hold is what the caller has checked.
    """

    role: Role
    user: "User | None" = None
    tenant_id: int | None = None
    level: int = 0

    def own_key(self, key: str, place: object) -> str:
        """An idempotency key that a party sent, as it is kept: apart from everybody else's.

        Parties choose their keys, so those of one must mean nothing to
        another, nor to the desk.  ``place`` is what tells the parties of a
        role apart (a ticket).  The desk's own keys stay as they are.
        """
        if not key or self.role in {Role.AGENT, Role.DESK}:
            return key
        side = "customer" if self.role in CUSTOMER else self.role.value
        return f"party:{hashlib.sha256(f'{side}:{place}:{key}'.encode()).hexdigest()}"

    def person(self) -> "User":
        """The person who acts; raises ``ValueError`` for those who have no account."""
        if self.user is None:
            raise ValueError(f"{self.role} has no account")
        return self.user


DESK = Actor(Role.DESK)
SENDER = Actor(Role.SENDER)
OWNER = Actor(Role.OWNER)
