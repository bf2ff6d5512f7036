"""The link that a stranger passes on: it fills in the form, and opens nothing by itself."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from customers.models import User
from delisting import housekeeping, referrals
from delisting.models import Referral
from tests.tickets.factories import make_listing
from tickets.models import Attachment, Ticket

pytestmark = pytest.mark.django_db
ADDRESS = "198.51.100.25"
BOUNCE = b"<dana@clinic.example>: host mx1.mail.example[192.0.2.1] said: 550 5.7.606 banned\n"
FACTS = referrals.Facts(
    prefix=ADDRESS, sender_email="accounts@bank.example", recipient="dana@clinic.example",
    reply="550 5.7.606 banned", statement="The form is closed.", bounce=BOUNCE,
)  # fmt: skip


@pytest.fixture
def path(settings: Any) -> str:
    settings.POSTERN_DEMO = True
    make_listing(ADDRESS)
    token, _row = referrals.make(FACTS)
    return f"/refer/{token}/"


def test_a_stranger_is_asked_to_sign_in_first(client: Client, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/account/login/?next={path}"


def test_the_form_is_filled_in_and_one_click_opens_the_ticket_with_the_bounce(
    client: Client, dana: User, path: str
) -> None:
    client.force_login(dana)
    page = client.get(path)
    assert page.status_code == 200
    initial = page.context["form"].initial
    assert initial["prefix"] == ADDRESS
    assert "The form is closed." in initial["note"]
    assert not Ticket.objects.exists()

    answer = client.post("/tickets/new/", {**initial, "sender_name": "", "external_reference": ""})

    assert answer.status_code == 302, answer.content.decode()
    ticket = Ticket.objects.get()
    assert (ticket.sender_email, ticket.recipient) == (
        "accounts@bank.example", "dana@clinic.example",
    )  # fmt: skip
    assert bytes(Attachment.objects.get().content) == BOUNCE


def test_members_and_agents_are_told_whose_it_is(
    client: Client, erin: User, minji: User, path: str
) -> None:
    client.force_login(erin)
    assert client.get(path).status_code == 403
    client.force_login(minji)
    assert client.get(path).status_code == 302
    assert not Ticket.objects.exists()


def test_unknown_and_ended_links_look_the_same(client: Client, dana: User, path: str) -> None:
    client.force_login(dana)
    with time_machine.travel(timezone.now() + timedelta(days=15)):
        client.force_login(dana)
        ended = client.get(path)
        assert ended.status_code == client.get("/refer/guessed/").status_code == 404
        assert housekeeping.forget() == 1
    assert not Referral.objects.exists()


def test_another_tenant_cannot_open_for_a_recipient_that_is_not_theirs(
    client: Client, charlie: User, path: str
) -> None:
    client.force_login(charlie)
    initial = client.get(path).context["form"].initial

    answer = client.post("/tickets/new/", initial)

    assert answer.status_code == 422
    assert not Ticket.objects.exists()


def test_the_row_does_not_hold_the_token(path: str) -> None:
    assert path.split("/")[2] not in str(Referral.objects.values().get())


def test_a_link_holds_a_bounded_part_of_a_bounce(settings: Any) -> None:
    _token, row = referrals.make(referrals.Facts(bounce=b"x" * 10_000_000, reply="y" * 10_000))

    assert len(row.bounce) == referrals.MOST_BOUNCE
    assert len(row.reply) == 5000
