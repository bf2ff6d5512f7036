"""The button behind the letter's link, and what is checked again when it is pressed."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from delisting import proofs
from delisting.jobs import sweep_delistings
from delisting.lifecycle import State
from delisting.models import DelistRequest, Outcome
from listings import actions as listings
from tests.delisting.dns import Dns
from tests.delisting.factories import (
    ADDRESS,
    MAILBOX,
    ask,
    asked,
    confirmed,
    letter_to,
    link_in,
    make_desk,
    status_path,
    work,
)
from tests.listings.factories import let_in, lister_of, make_listing

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def desk() -> None:
    make_desk()


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_scanner_that_opens_the_link_lifts_nothing(client: Client, method: str) -> None:
    make_listing(ADDRESS)
    request = asked(client)
    work()

    for _ in range(3):
        answer = getattr(client, method)(link_in(letter_to()))
        assert answer.status_code == 200

    request.refresh_from_db()
    assert request.state == State.ASKED
    assert lister_of(ADDRESS)
    page = client.get(link_in(letter_to())).content.decode()
    assert "Opening this page changed nothing" in page
    assert client.get(link_in(letter_to())).headers["X-Robots-Tag"] == "noindex, nofollow"


def test_a_post_without_our_form_lifts_nothing(client: Client) -> None:
    make_listing(ADDRESS)
    asked(client)
    work()
    strict = Client(enforce_csrf_checks=True)

    assert strict.post(link_in(letter_to())).status_code == 403
    assert lister_of(ADDRESS)


def test_an_expired_link_says_so_and_how_to_go_on(client: Client) -> None:
    make_listing(ADDRESS)
    request = asked(client)
    work()
    link = link_in(letter_to())

    with time_machine.travel(timezone.now() + timedelta(hours=49)):
        assert "This link has expired" in client.get(link).content.decode()
        client.post(link)
        assert lister_of(ADDRESS)
        work()
        request.refresh_from_db()
        assert request.state == State.EXPIRED
        page = client.get(link, follow=True).content.decode()
        assert "Nobody confirmed in time" in page
        assert "ask again" in page


def test_a_link_that_never_was_is_told_the_same_as_a_replaced_one(client: Client) -> None:
    make_listing(ADDRESS)
    asked(client)
    work()
    first = link_in(letter_to())
    path = status_path(DelistRequest.objects.get())
    client.post(f"{path}mailbox/", {"email": "other@shop.example"})

    replaced, guessed = client.get(first), client.get("/delist/guessed/")
    assert replaced.status_code == guessed.status_code == 404
    assert b"This link does not work any more" in replaced.content


def test_a_link_of_a_listing_that_is_gone_says_so(client: Client) -> None:
    make_listing(ADDRESS)
    asked(client)
    work()
    let_in(ADDRESS)

    page = client.get(link_in(letter_to())).content.decode()
    assert "is not on our list any more" in page


def test_two_people_confirm_the_same_listing_one_after_the_other(client: Client) -> None:
    make_listing(ADDRESS)
    first, second = asked(client), asked(client, email="other@shop.example")
    work()
    links = [link_in(letter_to()), link_in(letter_to("other@shop.example"))]

    for link in links:
        client.post(link)
    work()

    first.refresh_from_db()
    second.refresh_from_db()
    assert first.state == second.state == State.LIFTED
    assert (first.outcome, second.outcome) == ("", Outcome.ALREADY_OFF)
    assert "It was off the list already" in client.get(status_path(second)).content.decode()


def test_pressing_twice_is_pressing_once(client: Client) -> None:
    make_listing(ADDRESS)
    request = confirmed(client)
    before = request.entries.count()

    client.post(link_in(next(m for m in mail.outbox if m.to == [MAILBOX])))

    assert request.entries.count() == before


def test_mail_refused_since_the_request_refuses_it(client: Client) -> None:
    make_listing(ADDRESS)
    request = asked(client)
    work()
    listings.record_hit(request.listing_id, timezone.now(), 3)
    client.post(link_in(letter_to()))
    work()

    request.refresh_from_db()
    assert (request.state, request.outcome) == (State.REFUSED, Outcome.STILL_SENDING)
    assert lister_of(ADDRESS)
    page = client.get(status_path(request)).content.decode()
    assert "was refused again after you asked" in page
    assert "Stop what sends" in page


def test_asking_again_at_once_is_no_way_round_that(client: Client) -> None:
    make_listing(ADDRESS)
    request = asked(client)
    work()
    listings.record_hit(request.listing_id, timezone.now(), 3)
    client.post(link_in(letter_to()))
    work()

    answer = ask(client)
    assert answer.status_code == 409
    assert "was refused again after the last request" in answer.content.decode()
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert ask(client).status_code == 302


def test_another_report_about_the_same_listing_counts(client: Client) -> None:
    make_listing(ADDRESS, evidence="one report")
    request = asked(client)
    work()
    make_listing(ADDRESS, reason_class="trap", evidence="a second report")
    client.post(link_in(letter_to()))
    work()

    request.refresh_from_db()
    assert (request.state, request.outcome) == (State.REFUSED, Outcome.LISTED_AGAIN)


def test_old_refusals_that_are_counted_late_do_not(client: Client) -> None:
    make_listing(ADDRESS)
    request = asked(client)
    work()
    listings.record_hit(request.listing_id, request.asked_at - timedelta(minutes=1), 3)
    client.post(link_in(letter_to()))

    assert not lister_of(ADDRESS)


def test_a_listing_made_anew_in_between_is_another_matter(client: Client) -> None:
    make_listing(ADDRESS)
    request = asked(client)
    work()
    let_in(ADDRESS)
    make_listing(ADDRESS)
    client.post(link_in(letter_to()))
    work()

    request.refresh_from_db()
    assert request.state in {State.REFUSED, State.COOLING_DOWN}
    assert request.outcome == Outcome.LISTED_AGAIN


def test_a_range_that_comes_in_between_hands_it_over(client: Client) -> None:
    make_listing(ADDRESS)
    request = asked(client)
    work()
    make_listing("198.51.100.0/24", reason_class="range")
    client.post(link_in(letter_to()))
    work()

    request.refresh_from_db()
    assert (request.state, request.outcome) == (State.HANDED_OVER, Outcome.NOT_BY_SENDER)
    assert lister_of(ADDRESS)


# -- Listed again ------------------------------------------------------------------------------


def test_whoever_asked_hears_within_one_sweep_that_it_is_listed_again(client: Client) -> None:
    make_listing(ADDRESS)
    request = confirmed(client)
    assert request.state == State.LIFTED
    mail.outbox.clear()

    made = make_listing(ADDRESS, reason_class="trap")
    listings.record_hit(made.pk, timezone.now(), 7)
    work()
    work()

    request.refresh_from_db()
    assert request.relisted_at is not None
    told = [message for message in mail.outbox if message.to == [MAILBOX]]
    assert len(told) == 1
    assert "is listed again" in told[0].subject
    assert "spam trap" in told[0].body
    assert "7" in told[0].body
    assert "listed again" in client.get(link_in(told[0])).content.decode()


def test_one_address_of_a_64_that_is_listed_again_is_noticed(client: Client) -> None:
    make_listing("2001:db8:7::/64")
    request = asked(client, address="2001:db8:7::25")
    work()
    client.post(link_in(letter_to()))
    work()
    make_listing("2001:db8:7::99")
    work()
    request.refresh_from_db()
    assert request.relisted_at is None

    make_listing("2001:db8:7::25")
    work()
    request.refresh_from_db()
    assert request.relisted_at is not None


def test_a_mailbox_that_nobody_has_confirmed_gets_no_more_letters(client: Client, dns: Dns) -> None:
    make_listing(ADDRESS)
    request = asked(client)
    work()
    dns.records["25.100.51.198.in-addr.arpa", "TXT"] = [f'"{proofs.record(request)}"']
    client.post(f"{status_path(request)}prove/", {"method": "txt"})
    work()

    request.refresh_from_db()
    assert request.state == State.LIFTED
    assert len(mail.outbox) == 1


def test_after_the_watch_nobody_is_written_to(client: Client) -> None:
    make_listing(ADDRESS)
    confirmed(client)
    mail.outbox.clear()

    with time_machine.travel(timezone.now() + timedelta(days=15)):
        make_listing(ADDRESS)
        work()

    assert not mail.outbox


def test_one_who_cannot_be_told_that_it_is_listed_again_stops_no_other(client: Client) -> None:
    both = []
    for address in (ADDRESS, "198.51.100.26"):
        make_listing(address)
        both.append(asked(client, address))
        work()
        client.post(link_in(letter_to()))
        work()
    DelistRequest.objects.filter(pk=both[0].pk).update(email="no mailbox")
    for address in (ADDRESS, "198.51.100.26"):
        make_listing(address)

    sweep_delistings()

    told = [DelistRequest.objects.get(pk=one.pk).relisted_at is not None for one in both]
    assert told == [False, True]
