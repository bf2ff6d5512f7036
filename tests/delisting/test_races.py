"""Two at the same instant: on one request, and on one listing."""

from typing import Any

import pytest
from django.test import Client

from delisting import actions
from delisting.lifecycle import State
from delisting.models import DelistRequest
from escalation.lifecycle import NotAllowed
from listings.models import Removal
from tests.delisting.factories import ADDRESS, asked, make_desk, work
from tests.listings.factories import lister_of, make_listing
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
