"""A delisted address is watched in the logs; a sink that is down holds its cases alone."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from customers.models import Tenant, User
from escalation import queue
from listings.models import Publication, Receipt, Sink
from tests.tickets.desk import page
from tests.tickets.factories import agent, make_case, make_listing, make_sink
from tests.traffic.factories import make_tally
from tickets import actions
from tickets.lifecycle import Event, State
from tickets.models import Case

pytestmark = pytest.mark.django_db
KINDS = ("publications", "listings", "cases")


@pytest.fixture(autouse=True)
def own_feeds(settings: Any, tmp_path: Path) -> None:
    settings.POSTERN_FEED_DIR = tmp_path


@pytest.fixture
def many_listings() -> None:
    """So that one removal is no shrunken list."""
    make_sink("plain feed")
    for n in range(20):
        make_listing(f"203.0.113.{n}")


def work() -> None:
    for _round in range(3):
        for kind in KINDS:
            queue.run(kind)


def state_of(case: Case) -> str:
    case.refresh_from_db()
    return case.state


@pytest.fixture
def delisted(many_listings: None, clinic: Tenant, minji: User) -> Case:
    case = make_case(tenant=clinic, prefix="198.51.100.25")
    work()
    actions.take_step(case, Event.APPROVE, agent(minji))
    work()
    assert state_of(case) == State.DELISTED
    return case


def test_a_refusal_after_the_delisting_reopens_the_case_one_level_up(delisted: Case) -> None:
    later = timezone.now() + timedelta(hours=1)
    make_tally("198.51.100.25", refused=2, at=later)

    with time_machine.travel(later):
        queue.run("cases")

    assert (state_of(delisted), delisted.level) == (State.IN_REVIEW, 1)
    note = delisted.entries.get(event=Event.RELAPSE).note
    assert "198.51.100.25" in note
    assert "may not go by the list" in note


@pytest.mark.parametrize(
    ("address", "minutes"), [("198.51.100.25", 3), ("198.51.100.26", 60), ("198.51.100.25", -60)]
)
def test_late_caches_neighbours_and_the_past_reopen_nothing(
    delisted: Case, address: str, minutes: int
) -> None:
    make_tally(address, refused=2, at=delisted.state_since + timedelta(minutes=minutes))

    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        queue.run("cases")

    assert state_of(delisted) == State.DELISTED


def test_a_new_listing_still_reopens_it(delisted: Case) -> None:
    make_listing("198.51.100.25")

    queue.run("cases")

    assert state_of(delisted) == State.IN_REVIEW


# -- A sink that is down ---------------------------------------------------------------


@pytest.fixture
def broken(db: None) -> Sink:
    """A second sink, which nothing answers for: rspamd has no token and never asks."""
    return Sink.objects.create(name="mx2", kind="rspamd")


def test_a_sink_that_is_down_holds_the_case_and_says_which_and_since_when(
    many_listings: None, clinic: Tenant, minji: User, broken: Sink, desk: Client
) -> None:
    case = make_case(tenant=clinic, prefix="198.51.100.25")
    actions.take_step(case, Event.APPROVE, agent(minji))
    work()

    assert state_of(case) == State.DELISTING
    broken.refresh_from_db()
    assert "no token" in broken.trouble
    assert broken.trouble_since is not None
    shown = page(desk, case)
    assert "mx2" in shown
    assert "no token" in shown
    receipt = Receipt.objects.get(sink__name="plain feed", publication=case.gone_serial)
    assert receipt.proof in shown
    assert f"{timezone.localtime(receipt.read_at):%H:%M}" in shown


def test_past_the_deadline_it_goes_to_review_one_level_up_and_in_the_end_it_is_delisted(
    many_listings: None, clinic: Tenant, minji: User, broken: Sink
) -> None:
    case = make_case(tenant=clinic, prefix="198.51.100.25")
    actions.take_step(case, Event.APPROVE, agent(minji))
    work()

    with time_machine.travel(timezone.now() + timedelta(hours=3)):
        work()
        assert (state_of(case), case.level) == (State.IN_REVIEW, 1)
        note = case.entries.get(event=Event.SINK_FAILED).note
        assert "mx2 (since " in note
        assert "no token" in note

        actions.take_step(case, Event.APPROVE, agent(minji))
        Sink.objects.filter(pk=broken.pk).update(enabled=False)
        work()

    assert state_of(case) == State.DELISTED


def test_a_sink_that_is_down_stops_nothing_else(
    many_listings: None, clinic: Tenant, school: Tenant, minji: User, broken: Sink
) -> None:
    held = make_case(tenant=clinic, prefix="198.51.100.25")
    actions.take_step(held, Event.APPROVE, agent(minji))
    work()
    other = make_case(tenant=school, prefix="198.51.100.77")
    actions.take_step(other, Event.APPROVE, agent(minji))
    work()

    newest = Publication.objects.published().latest("serial")
    assert newest.serial >= (other.gone_serial or 0)
    assert Receipt.objects.filter(sink__name="plain feed", publication=newest).exists()
    Sink.objects.filter(pk=broken.pk).update(enabled=False)
    queue.run("cases")
    assert (state_of(held), state_of(other)) == (State.DELISTED, State.DELISTED)


def test_customers_and_senders_never_see_which_sink(
    many_listings: None, clinic: Tenant, minji: User, broken: Sink, client: Client
) -> None:
    case = make_case(tenant=clinic, prefix="198.51.100.25")
    ticket = case.tickets.get()
    actions.take_step(case, Event.APPROVE, agent(minji))
    work()

    client.force_login(ticket.opened_by)
    assert "mx2" not in client.get(ticket.get_absolute_url()).content.decode()
    client.logout()
