"""Two at the same instant: on one request, and on one listing."""

import threading
import time
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from delisting import actions
from delisting.lifecycle import State
from delisting.models import DelistRequest
from escalation.lifecycle import NotAllowed
from escalation.prefixes import parse_prefix
from listings import publishing
from listings.models import Listing, Removal
from tests.delisting.factories import ADDRESS, asked, make_desk, work
from tests.listings.factories import let_in, lister_of, make_listing
from tests.listings.test_races import in_threads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def confirm(request: DelistRequest) -> str:
    try:
        actions.confirm(DelistRequest.objects.get(pk=request.pk))
    except NotAllowed:
        return "too late"
    return "confirmed"


def test_of_two_who_press_the_same_button_one_does_it(client: Client) -> None:
    make_desk()
    make_listing(ADDRESS)
    request = asked(client)

    done = in_threads(*[lambda: confirm(request) for _ in range(4)])

    assert sorted(done) == ["confirmed", "too late", "too late", "too late"]  # type: ignore[type-var]
    assert Removal.objects.count() == 1
    assert not lister_of(ADDRESS)


def test_of_two_who_lift_the_same_listing_both_are_told_that_it_is_off(client: Client) -> None:
    make_desk()
    make_listing(ADDRESS)
    both = [asked(client), asked(client, email="other@shop.example")]

    done = in_threads(*[lambda one=one: confirm(one) for one in both])
    work()

    assert done == ["confirmed", "confirmed"]
    assert [row.state for row in DelistRequest.objects.all()] == [State.LIFTED] * 2
    assert not lister_of(ADDRESS)


def test_of_several_sweeps_one_tells_that_it_is_listed_again(
    client: Client, mailoutbox: Any
) -> None:
    make_desk()
    make_listing(ADDRESS)
    request = asked(client)
    confirm(request)
    work()
    make_listing(ADDRESS)

    in_threads(*[work for _ in range(3)])

    told = [message for message in mailoutbox if "listed again" in message.subject]
    assert len(told) == 1


def test_confirming_what_is_off_already_locks_in_the_same_order_as_everybody(
    client: Client,
) -> None:
    make_desk()
    listing = make_listing(ADDRESS)
    request = asked(client)
    let_in(ADDRESS)  # by an agent, meanwhile
    held = threading.Event()

    def change() -> None:
        with transaction.atomic():
            list(Listing.objects.filter(pk=listing.pk).select_for_update())
            held.set()
            time.sleep(0.5)  # as long as the other needs to come as far as it can
            publishing.ask([parse_prefix(ADDRESS)])

    def press() -> str:
        held.wait(5)
        return confirm(request)

    assert in_threads(change, press) == [None, "confirmed"]
