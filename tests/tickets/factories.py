"""Builders of cases and tickets, through the real actions wherever there is one."""

from datetime import timedelta
from ipaddress import ip_network
from itertools import count
from typing import Any

from django.utils import timezone

from customers.models import Membership, Tenant, User
from escalation import prefixes
from escalation.actors import DESK, Actor, Role
from listings import actions as listing_actions
from listings.models import Listing, Sink
from ownership.models import Proof
from tests.factories import make_membership, make_tenant
from tickets import actions, opening
from tickets.lifecycle import Event
from tickets.models import Case, Ticket

_serial = count(1)


def fresh_address() -> str:
    """A documentation address that no other call gives out."""
    number = next(_serial)
    return f"2001:db8:{number:x}::25"


def make_listing(prefix: str, **fields: Any) -> Listing:
    fields.setdefault("reason_class", "automatic")
    return listing_actions.add(ip_network(prefix), actor=DESK, source="test", **fields)


def make_sink(name: str = "mx1") -> Sink:
    return Sink.objects.get_or_create(name=name, defaults={"kind": "plain"})[0]


def admin_of(tenant: Tenant) -> Actor:
    membership = Membership.objects.filter(tenant=tenant, kind=Membership.Kind.ADMIN).first()
    membership = membership or make_membership(tenant=tenant, kind=Membership.Kind.ADMIN)
    return membership.actor()


def agent(user: User) -> Actor:
    return Actor(Role.AGENT, user, level=user.level)


def make_ticket(
    tenant: Tenant | None = None,
    prefix: str = "",
    *,
    listed: bool = True,
    key: str = "",
    **more: Any,
) -> Ticket:
    """Open a ticket as the tenant's admin; ``listed`` makes the listing that it is about."""
    tenant = tenant or make_tenant()
    prefix = prefix or fresh_address()
    if listed and not Listing.objects.filter(prefix=str(ip_network(prefix))).exists():
        make_listing(prefix)
    fields: dict[str, Any] = {
        "sender_email": "accounts@bank.example",
        "recipient": f"dana@{tenant.domains.get().name}",
        "smtp_reply": f"550 5.7.606 Access denied, banned sending IP [{prefix}]",
        **more,
    }
    wish = opening.Application(prefix=prefix, **fields)
    return opening.open_ticket(tenant, admin_of(tenant), wish, key=key)


def make_proof(prefix: str, level: int = 2) -> Proof:
    first, last = prefixes.keys(prefixes.parse_prefix(prefix))
    return Proof.objects.create(
        method=Proof.Method.REGISTRY_MAIL,
        level=level,
        first=first,
        last=last,
        provenance="test",
        expires_at=timezone.now() + timedelta(days=180),
    )


def make_case(*, proved: bool = True, reviewed: bool = True, **ticket: Any) -> Case:
    """A case with one ticket; by default with its proof on file and in review."""
    made = make_ticket(**ticket)
    case = made.case
    if proved:
        make_proof(made.prefix)
    if reviewed:
        actions.take_step(case, Event.PROOF_ON_FILE, DESK)
    return case
