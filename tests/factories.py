"""Builders of rows for tests: each makes what it is not given."""

from itertools import count
from typing import Any

from customers.models import Domain, Membership, Tenant, User

PASSWORD = "correct horse battery staple"
_serial = count(1)


def make_user(email: str = "", **fields: Any) -> User:
    fields.setdefault("password", PASSWORD)
    return User.objects.create_user(email or f"person{next(_serial)}@people.example", **fields)


def make_tenant(name: str = "", *, domain: str = "") -> Tenant:
    name = name or f"Tenant {next(_serial)}"
    tenant = Tenant.objects.create(name=name)
    Domain.objects.create(tenant=tenant, name=domain or f"tenant{next(_serial)}.example")
    return tenant


def make_membership(
    user: User | None = None, tenant: Tenant | None = None, kind: str = Membership.Kind.MEMBER
) -> Membership:
    return Membership.objects.create(
        user=user or make_user(), tenant=tenant or make_tenant(), kind=kind
    )
