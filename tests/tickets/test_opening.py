"""Opening a ticket: what is taken, what is refused, and in which words."""

from typing import Any

import pytest
from django.db import transaction
from django_q.models import OrmQ

from customers.models import Tenant, User
from escalation.actors import Actor, Role
from escalation.errors import KeyReused
from escalation.prefixes import NotAnAddress
from mailroom.models import Letter
from tests.tickets.factories import admin_of, fresh_address, make_listing, make_ticket
from tickets import opening
from tickets.lifecycle import Event, Party, State
from tickets.models import Case, Conversation, Ticket

pytestmark = pytest.mark.django_db


def test_a_ticket_begins_a_case_and_two_conversations_and_wakes_the_jobs(clinic: Tenant) -> None:
    ticket = make_ticket(clinic, note="Our bank cannot reach us.")

    assert ticket.case.state == State.GATHERING
    assert [entry.event for entry in ticket.case.entries.all()] == [Event.OPENED]
    parties = Conversation.objects.filter(ticket=ticket).values_list("party", flat=True)
    assert sorted(parties) == [Party.CUSTOMER, Party.SENDER]
    assert ticket.case.due_at is not None
    assert "cases" in {row.task["name"] for row in OrmQ.objects.all()}


def test_the_sender_gets_a_link_of_their_own_and_its_token_is_kept_only_as_a_hash(
    clinic: Tenant,
) -> None:
    ticket = make_ticket(clinic)

    letter = Letter.objects.get(recipient=ticket.sender_email)
    assert letter.link_path == "/case/{token}/"
    assert Letter.LINK in letter.body
    assert "Clinic" not in letter.body


def test_a_rolled_back_ticket_leaves_nothing_behind(clinic: Tenant) -> None:
    with transaction.atomic():
        make_ticket(clinic)
        transaction.set_rollback(True)

    assert not Ticket.objects.exists()
    assert not Letter.objects.exists()
    assert not OrmQ.objects.exists()


@pytest.mark.parametrize(
    ("prefix", "error", "words"),
    [
        ("bank.example", NotAnAddress, "is not an IP address"),
        ("10.1.2.3", opening.NotPublic, "10.1.2.3"),
        ("127.0.0.1", opening.NotPublic, "127.0.0.1"),
        ("8.8.0.0/15", opening.TooWide, "wider than /16"),
        ("2a00:1098::/31", opening.TooWide, "wider than /32"),
    ],
)
def test_what_cannot_be_about_an_address_is_refused_in_words(
    clinic: Tenant, prefix: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        make_ticket(clinic, prefix, listed=False)

    assert not Case.objects.exists()


def test_our_own_space_is_refused(clinic: Tenant, settings: Any) -> None:
    settings.POSTERN_PROTECTED = ["8.8.4.0/24"]

    with pytest.raises(opening.NotPublic):
        make_ticket(clinic, "8.8.4.4", listed=False)


def test_the_recipient_must_be_in_one_of_the_tenants_domains(clinic: Tenant) -> None:
    with pytest.raises(opening.NotYourRecipient, match=r"clinic\.example"):
        make_ticket(clinic, recipient="dana@school.example")


def test_a_second_ticket_about_the_same_prefix_is_refused_with_a_link_to_the_first(
    clinic: Tenant,
) -> None:
    first = make_ticket(clinic)

    with pytest.raises(opening.AlreadyOpen) as refusal:
        make_ticket(clinic, first.prefix)

    assert refusal.value.link == first.get_absolute_url()


def test_the_same_key_gives_the_same_ticket_and_other_content_is_refused(clinic: Tenant) -> None:
    address = fresh_address()
    first = make_ticket(clinic, address, key="k1")

    again = make_ticket(clinic, address, key="k1")

    assert again == first
    assert Ticket.objects.count() == 1
    with pytest.raises(KeyReused):
        make_ticket(clinic, address, key="k1", note="something else")


def test_tickets_of_several_tenants_about_one_prefix_hang_on_one_case(
    clinic: Tenant, school: Tenant
) -> None:
    first = make_ticket(clinic)

    second = make_ticket(school, first.prefix)

    assert first.case == second.case
    assert Ticket.objects.visible_to(admin_of(clinic)).get() == first
    assert Ticket.objects.visible_to(admin_of(school)).get() == second


def test_a_member_who_is_no_admin_cannot_open(clinic: Tenant, erin: User) -> None:
    wish = opening.Application("198.51.100.25", "a@bank.example", "dana@clinic.example")

    with pytest.raises(opening.NotYours, match="admin"):
        opening.open_ticket(clinic, Actor(Role.MEMBER, erin, clinic.pk), wish)


def test_an_admin_of_another_tenant_cannot_open(clinic: Tenant, school: Tenant) -> None:
    wish = opening.Application("198.51.100.25", "a@bank.example", "dana@clinic.example")

    with pytest.raises(opening.NotYours):
        opening.open_ticket(clinic, admin_of(school), wish)


def test_the_bounce_is_kept_as_it_came_and_says_what_was_refused(clinic: Tenant) -> None:
    make_listing("198.51.100.25")
    bounce = b"550 5.7.606 Access denied, banned sending IP [198.51.100.25]\r\n"
    wish = opening.Application(
        "198.51.100.25", "a@bank.example", "dana@clinic.example", bounce=bounce, bounce_name="b.txt"
    )

    ticket = opening.open_ticket(clinic, admin_of(clinic), wish)

    conversation = ticket.conversations.get(party=Party.CUSTOMER)
    file = conversation.messages.get().attachments.get()
    assert bytes(file.content) == bounce
    assert "banned sending IP" in ticket.smtp_reply
    assert ticket.enhanced_status_code == "5.7.606"


def test_a_tenant_opens_no_more_tickets_within_a_day_than_its_bound(
    clinic: Tenant, settings: Any
) -> None:
    settings.POSTERN_TENANT_TICKETS = 2
    make_ticket(clinic)
    make_ticket(clinic)

    with pytest.raises(opening.TooMany, match="2 tickets"):
        make_ticket(clinic)
