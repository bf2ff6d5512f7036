"""The whole way on either database: every sweep, the registry, letters and feed are real."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from customers.models import Tenant, User
from escalation import queue
from escalation.actors import DESK
from listings import queries as listed
from mailroom.models import Letter
from ownership.fake_registry import FakeRegistry
from ownership.models import Proof
from tests.tickets.factories import agent, make_listing, make_ticket
from tickets import actions
from tickets.lifecycle import Event, State
from tickets.models import Case

pytestmark = pytest.mark.django_db
ADDRESS = "198.51.100.25"
OWNER = "hostmaster@carrier.example"
KINDS = ("cases", "inquiries", "letters", "publications", "listings", "clocks")


@pytest.fixture
def registry(settings: Any, tmp_path: Path) -> Iterator[FakeRegistry]:
    settings.POSTERN_FEED_DIR = tmp_path
    with FakeRegistry() as server:
        settings.POSTERN_RDAP_BASE = server.url
        yield server


def work(rounds: int = 4) -> None:
    """Everything that the workers do until nothing is due."""
    for _ in range(rounds):
        for kind in KINDS:
            queue.run(kind)


@pytest.fixture
def case(registry: FakeRegistry, clinic: Tenant) -> Case:
    """Waits for its owner, who has a letter."""
    for number in range(20, 40):
        make_listing(f"198.51.100.{number}")
    case = make_ticket(clinic, ADDRESS).case
    work()
    case.refresh_from_db()
    assert case.state == State.AWAITING_OWNER
    return case


def link_to(recipient: str, path: str) -> str:
    letters = [letter for letter in mail.outbox if letter.to == [recipient]]
    found = re.findall(rf"https?://[^/]+(/{path}/[\w-]+/)", str(letters[-1].body))
    assert len(found) == 1, "one link a letter"
    return str(found[0])


def feed(client: Client) -> list[str]:
    """The lines that a sink would read."""
    return client.get("/feeds/plain/").getvalue().decode().splitlines()


def answer(browser: Client, kind: str) -> None:
    browser.get(link_to(OWNER, "answer"))
    given = {"answer": kind, "prefixes": [f"{ADDRESS}/32"], "name": "Robin", "acts_for": "on"}
    assert browser.post("/answer/", given).status_code == 302


def test_from_ticket_to_delisted(case: Case, client: Client, minji: User) -> None:
    answer(client, "confirm")
    work()
    case.refresh_from_db()
    assert case.state == State.IN_REVIEW
    assert Proof.objects.current().covering(case.network).get().level == 2

    actions.take_step(case, Event.APPROVE, agent(minji))
    assert not listed.touches(case.network)
    work()

    case.refresh_from_db()
    assert case.state == State.DELISTED
    assert f"{ADDRESS}/32" not in feed(client)
    told = {letter.to[0] for letter in mail.outbox if "off the list" in letter.subject}
    assert told == {"accounts@bank.example", case.tickets.get().opened_by.email}


def test_a_scanner_changes_nothing(case: Case, client: Client) -> None:
    link = link_to(OWNER, "answer")

    for _ in range(3):
        client.head(link, follow=True)
        client.get(link, follow=True)
    work()

    case.refresh_from_db()
    assert case.state == State.AWAITING_OWNER


def test_a_denial_is_for_an_agent_and_no_word_of_it_reaches_anybody_else(
    case: Case, client: Client, dana: User
) -> None:
    answer(client, "deny")
    work()

    case.refresh_from_db()
    assert case.state == State.OWNER_DENIED
    client.force_login(dana)
    page = client.get(f"/tickets/{case.tickets.get().pk}/").content.decode()
    assert "says no" not in page
    assert OWNER not in page
    letters = Letter.objects.exclude(kind__startswith="owner")
    assert not letters.filter(body__contains="carrier").exists()


def test_a_contact_that_the_registry_no_longer_lists_cannot_confirm(
    case: Case, client: Client, registry: FakeRegistry
) -> None:
    registry.remove_contact("198.51.100.0/24", OWNER)

    answer(client, "confirm")
    work()

    case.refresh_from_db()
    assert case.state != State.IN_REVIEW
    assert not Proof.objects.exists()


def test_a_proof_on_file_serves_the_next_case_about_the_same_address(
    case: Case, client: Client, minji: User, school: Tenant
) -> None:
    answer(client, "confirm")
    work()
    case.refresh_from_db()
    actions.take_step(case, Event.APPROVE, agent(minji))
    work()
    actions.take_step(case, Event.WATCH_ENDED, DESK)
    make_listing(ADDRESS)
    asked_before = Letter.objects.filter(recipient=OWNER, kind="owner-request").count()

    again = make_ticket(school, ADDRESS).case
    work()

    again.refresh_from_db()
    assert again.pk != case.pk
    assert again.state == State.IN_REVIEW
    assert Letter.objects.filter(recipient=OWNER, kind="owner-request").count() == asked_before
