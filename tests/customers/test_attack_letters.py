"""The desk as a mail cannon: whom an admin of a tenant can have it write to, and how often."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from customers import actions
from customers.models import Tenant, User
from escalation.errors import Refused
from mailroom.models import Letter
from tests.tickets.factories import admin_of

pytestmark = pytest.mark.django_db


def invite(clinic: Tenant, email: str) -> None:
    made = actions.invite(clinic, admin_of(clinic), email=email, kind="member", language="en")
    actions.withdraw_invitation(made, admin_of(clinic))


def test_nobody_is_invited_again_and_again(clinic: Tenant, dana: User) -> None:
    for _ in range(actions.MOST_TO_ONE_ADDRESS):
        invite(clinic, "victim@people.example")

    with pytest.raises(Refused, match="today"):
        invite(clinic, "Victim@people.example")


def test_invitations_that_are_withdrawn_count_as_well(clinic: Tenant, dana: User) -> None:
    for number in range(actions.MOST_A_DAY):
        invite(clinic, f"victim{number}@people.example")

    with pytest.raises(Refused, match="today"):
        invite(clinic, "one.more@people.example")


def test_few_letters_are_written_to_who_forgot_their_password(client: Client, dana: User) -> None:
    now = timezone.now()
    for minutes in range(0, 50, 5):
        with time_machine.travel(now + timedelta(minutes=minutes)):
            client.post("/account/password/reset/", {"email": "Dana@clinic.example"})

    assert 1 <= Letter.objects.filter(kind="password_reset").count() <= 5


def test_who_is_put_out_is_out_at_once_with_session_and_key(client: Client, dana: User) -> None:
    tenant = dana.memberships.get().tenant
    _key, text = actions.create_key(
        tenant, dana.memberships.get().actor(), label="x", scopes=["tickets:read"]
    )
    client.force_login(dana)
    by_key = {"authorization": f"Bearer {text}"}
    assert client.get("/tickets/").status_code == 200
    assert Client().get("/api/v1/tickets/", headers=by_key).status_code == 200

    User.objects.filter(pk=dana.pk).update(is_active=False)

    assert client.get("/tickets/").status_code == 302
    assert client.get("/api/v1/tickets/").status_code == 401
    assert Client().get("/api/v1/tickets/", headers=by_key).status_code == 401
