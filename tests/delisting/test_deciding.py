"""What is looked up before it is decided: names, history, holders; and the time of waiting."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from delisting.lifecycle import State
from delisting.models import Outcome
from listings import actions as listings
from listings.models import Listing
from ownership import budget
from ownership.fake_registry import FakeRegistry
from ownership.models import RegistryHost
from tests.delisting.dns import Dns
from tests.delisting.factories import (
    ADDRESS,
    asked,
    confirmed,
    letter_to,
    link_in,
    listed_before,
    make_desk,
    status_path,
    work,
)
from tests.listings.factories import lister_of, make_listing
from tests.ownership.factories import make_network

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def desk() -> None:
    make_desk()


PTR = ("25.100.51.198.in-addr.arpa", "PTR")


@pytest.mark.parametrize(
    ("records", "mute", "outcome"),
    [
        ({}, set(), Outcome.NAMES),
        ({PTR: ["mail.shop.example."]}, set(), Outcome.NAMES),
        ({PTR: ["mail.shop.example."], ("mail.shop.example", "A"): ["203.0.113.9"]}, set(),
         Outcome.NAMES),
        ({}, {PTR[0]}, Outcome.NO_LOOKUP),
        ({PTR: ["mail.shop.example."], ("mail.shop.example", "A"): [ADDRESS]}, set(), ""),
    ],
)  # fmt: skip
def test_a_policy_listing_comes_off_once_the_names_agree(
    client: Client, dns: Dns, records: Any, mute: set[str], outcome: str
) -> None:
    dns.records |= records
    dns.broken |= mute
    make_listing(ADDRESS, reason_class="policy")

    request = confirmed(client)

    assert request.outcome == outcome
    assert request.state == (State.REFUSED if outcome else State.LIFTED)


# -- Cooling down ------------------------------------------------------------------------------


def test_the_second_time_waits_a_day_and_then_comes_off_by_itself(client: Client) -> None:
    listed_before(ADDRESS, days_ago=5)
    make_listing(ADDRESS)
    request = confirmed(client)
    assert request.state == State.COOLING_DOWN
    page = client.get(status_path(request)).content.decode()
    assert "data-until=" in page
    assert "You need do nothing" in page

    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        work()

    request.refresh_from_db()
    assert request.state == State.LIFTED
    assert not lister_of(ADDRESS)
    assert letter_to().subject.startswith(ADDRESS)


@pytest.mark.parametrize(("n", "state"), [(50, State.LIFTED), (51, State.REFUSED)])
def test_people_who_write_meanwhile_are_no_machine_that_sends(
    client: Client, n: int, state: str
) -> None:
    listed_before(ADDRESS, days_ago=5)
    make_listing(ADDRESS)
    request = confirmed(client)
    listings.record_hit(request.listing_id, timezone.now(), n)

    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        work()

    request.refresh_from_db()
    assert request.state == state


# -- History and holders -----------------------------------------------------------------------


def test_a_repeat_offender_gets_a_link_to_pass_on(client: Client) -> None:
    listed_before(ADDRESS, days_ago=5, times=2)
    make_listing(ADDRESS)
    request = confirmed(client)
    assert (request.state, request.outcome) == (State.HANDED_OVER, Outcome.REPEATED)

    page = client.post(f"{status_path(request)}refer/").content.decode()
    assert "/refer/" in page
    assert "A web form was abused" in page


def test_a_new_holder_is_not_held_to_what_was_before(
    client: Client, registry: FakeRegistry
) -> None:
    registered = (timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    registry.networks["198.51.100.0/24"]["registered"] = registered
    listed_before(ADDRESS, days_ago=5, times=2)
    make_listing(ADDRESS)

    request = confirmed(client)

    assert request.state == State.LIFTED
    assert request.holder_since is not None


def test_a_block_made_anew_by_the_same_holder_is_nobody_elses(
    client: Client, registry: FakeRegistry
) -> None:
    network = registry.networks["198.51.100.0/24"]
    make_network(
        "198.51.0.0/16", organisation=network["organisation"]["name"],
        registered_at=timezone.now() - timedelta(days=4000),
    )  # fmt: skip
    registered = (timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    registry.networks["198.51.100.0/24"]["registered"] = registered
    listed_before(ADDRESS, days_ago=5, times=2)
    make_listing(ADDRESS)

    assert confirmed(client).state == State.HANDED_OVER


def test_a_registry_that_does_not_answer_holds_nobody_for_ever(
    client: Client, registry: FakeRegistry
) -> None:
    registry.moods[ADDRESS] = "server_error"
    listed_before(ADDRESS, days_ago=5, times=2)
    make_listing(ADDRESS)
    request = asked(client)
    work()
    client.post(link_in(letter_to()))
    work()

    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        work()
    request.refresh_from_db()
    assert request.state == State.HANDED_OVER


@pytest.mark.parametrize("seconds", [5, 60, 24 * 3600])
def test_however_long_a_registry_asks_to_wait_ten_minutes_are_the_most(
    client: Client, registry: FakeRegistry, seconds: int
) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        listed_before(ADDRESS, days_ago=5, times=2)
        make_listing(ADDRESS)
        budget.block("127.0.0.1", seconds)
        request = asked(client)
        work()
        client.post(link_in(letter_to()))
        begun = timezone.now()
        while timezone.now() < begun + timedelta(minutes=12):
            if not RegistryHost.objects.filter(blocked_until__gt=timezone.now()).exists():
                budget.block("127.0.0.1", seconds)
            work()
            request.refresh_from_db()
            assert request.parked_at is None
            if request.state != State.CONFIRMED:
                break
            clock.shift(61)
        assert timedelta(minutes=9) < timezone.now() - begun < timedelta(minutes=12)

    assert request.state == State.HANDED_OVER


def test_a_second_listing_that_was_there_all_along_is_no_new_one(client: Client) -> None:
    """The /64 decides while its history counts, the address once that is past."""
    address = "2001:db8:1:2::5"
    with time_machine.travel(timezone.now(), tick=False) as clock:
        listed_before("2001:db8:1:2::/64", days_ago=29.5)
        make_listing("2001:db8:1:2::/64", reason_class="trap")
        make_listing(address)
        request = asked(client, address)
        work()
        clock.shift(timedelta(hours=24))
        client.post(link_in(letter_to()))
        work()

    request.refresh_from_db()
    assert (request.state, request.outcome) == (State.LIFTED, "")


def test_a_report_on_any_listing_over_the_address_is_news(client: Client) -> None:
    address = "2001:db8:1:2::5"
    make_listing("2001:db8:1:2::/64", reason_class="trap")
    other = make_listing(address)
    request = asked(client, address)
    work()
    Listing.objects.filter(pk=other.pk).update(evidence="seen once more")
    client.post(link_in(letter_to()))

    request.refresh_from_db()
    assert request.outcome == Outcome.LISTED_AGAIN


def test_refusals_by_any_listing_over_the_address_count(client: Client) -> None:
    address = "2001:db8:1:2::5"
    make_listing("2001:db8:1:2::/64", reason_class="trap")
    other = make_listing(address)
    request = asked(client, address)
    work()
    listings.record_hit(other.pk, timezone.now() + timedelta(seconds=1))
    client.post(link_in(letter_to()))

    request.refresh_from_db()
    assert request.outcome == Outcome.STILL_SENDING


def test_a_request_that_nobody_confirmed_asks_nobody_more(client: Client, dns: Dns) -> None:
    make_listing(ADDRESS, reason_class="policy")
    request = asked(client)
    work()
    n_asked = len(dns.asked)

    with time_machine.travel(request.expires_at + timedelta(seconds=5)):
        work()

    request.refresh_from_db()
    assert request.state == State.EXPIRED
    assert len(dns.asked) == n_asked > 0


def test_a_registry_that_is_away_while_the_letter_travels_is_asked_again(
    client: Client, registry: FakeRegistry
) -> None:
    registered = (timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    registry.networks["198.51.100.0/24"]["registered"] = registered
    registry.moods[ADDRESS] = "server_error"
    listed_before(ADDRESS, days_ago=5, times=2)
    make_listing(ADDRESS)
    request = asked(client)
    work()
    del registry.moods[ADDRESS]
    client.post(link_in(letter_to()))
    work()

    request.refresh_from_db()
    assert request.state == State.LIFTED


def test_what_waits_for_an_agent_is_left_to_the_agent(client: Client) -> None:
    """Lifting one address decides nothing about a range that nobody has looked at yet."""
    make_listing(ADDRESS)
    wide = make_listing("198.51.100.0/24", reason_class="range", activate=False)

    request = confirmed(client)

    assert request.state == State.LIFTED
    assert not wide.exceptions.exists()
    wide.refresh_from_db()
    assert wide.state == "pending"
