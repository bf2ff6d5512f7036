"""What changes the list: add, let in, expire, list again."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from customers.models import User
from escalation import queue
from escalation.actors import DESK, Actor, Role
from escalation.errors import KeyReused
from escalation.lifecycle import NotYours
from escalation.prefixes import parse_prefix
from listings import actions, queries
from listings.actions import NotListable
from listings.lifecycle import State
from listings.models import Listing, ListingException, Publication, Removal
from tests.listings.factories import let_in, lister_of, make_listing, publish

pytestmark = pytest.mark.django_db


def events(listing: Listing) -> list[tuple[str, str, str]]:
    return list(listing.entries.values_list("event", "source", "target"))


def test_a_new_listing_is_enforced_at_once_with_history_and_a_serial() -> None:
    listing = make_listing("198.51.100.7", evidence="hit a trap")

    assert listing.state == State.ACTIVE
    assert events(listing) == [("activate", "pending", "active")]
    assert Publication.objects.waiting().count() == 1
    assert queue.waiting() == 1


def test_a_listing_for_a_person_to_look_at_refuses_nobody_yet() -> None:
    listing = make_listing("198.51.100.7", activate=False)

    assert listing.state == State.PENDING
    assert lister_of("198.51.100.7") == ""
    assert not Publication.objects.exists()

    assert make_listing("198.51.100.7") == listing
    assert lister_of("198.51.100.7") == "198.51.100.7/32"


def test_a_listing_made_twice_keeps_one_row_with_the_later_expiry() -> None:
    soon, later = (timezone.now() + timedelta(days=days) for days in (1, 5))

    first = make_listing("198.51.100.7", expires_at=later)
    second = make_listing("198.51.100.7", expires_at=soon, source="trap two")

    assert (second.pk, second.expires_at, second.source) == (first.pk, later, "trap two")
    assert make_listing("198.51.100.7").expires_at is None


@pytest.mark.parametrize("prefix", ["10.0.0.1", "198.18.0.0/15", "2001:db00::/24", "81.2.0.0/15"])
def test_what_must_not_be_listed_is_refused_in_words(prefix: str, settings: Settings) -> None:
    with pytest.raises(NotListable, match=r"not public|wider than"):
        make_listing(prefix)

    assert not Listing.objects.exists()


def test_letting_a_prefix_in_removes_what_lies_in_it_and_excepts_it_from_what_is_wider() -> None:
    wide = make_listing("198.51.0.0/16")
    inside = [make_listing("198.51.100.0/24"), make_listing("198.51.100.7")]
    aside = make_listing("198.51.101.0/24")

    serial = let_in("198.51.100.0/24")

    for listing in inside:
        listing.refresh_from_db()
        assert (listing.state, listing.gone_serial) == (State.PENDING_REMOVAL, serial)
    exception = ListingException.objects.get()
    assert (exception.listing, exception.prefix) == (wide, "198.51.100.0/24")
    assert exception.serial == serial
    assert not queries.touches(parse_prefix("198.51.100.0/24"))
    assert lister_of("198.51.101.1") == aside.prefix
    assert lister_of("198.51.102.1") == wide.prefix


def test_letting_in_many_takes_as_many_statements_as_a_few(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for n in range(5):
        make_listing(f"198.51.100.{n}")
    with django_assert_max_num_queries(30) as few:
        let_in("198.51.100.0/24")
    for n in range(50):
        make_listing(f"198.51.101.{n}")

    with django_assert_max_num_queries(len(few)):
        let_in("198.51.101.0/24")

    assert not queries.touches(parse_prefix("198.51.0.0/16"))


def test_letting_in_calls_off_a_listing_that_nobody_has_looked_at() -> None:
    listing = make_listing("198.51.100.7", activate=False)

    let_in("198.51.100.0/24")

    listing.refresh_from_db()
    assert listing.state == State.REMOVED


def test_letting_in_what_is_not_listed_is_no_error_and_gets_a_serial() -> None:
    serial = let_in("198.51.100.7")

    assert Publication.objects.waiting().get().serial == serial


def test_the_same_key_lets_in_once() -> None:
    make_listing("198.51.100.7")
    serial = let_in("198.51.100.7", key="case:1:2")
    publish()
    make_listing("198.51.100.7")

    assert let_in("198.51.100.7", key="case:1:2") == serial
    assert lister_of("198.51.100.7") == "198.51.100.7/32"
    assert Removal.objects.count() == 1
    with pytest.raises(KeyReused):
        let_in("198.51.100.8", key="case:1:2")


def test_letting_in_needs_the_transaction_of_the_decision(transactional_db: None) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        actions.take_out(parse_prefix("198.51.100.7"), actor=DESK, reason="", key="one")


def test_a_rolled_back_decision_leaves_the_list_as_it_was() -> None:
    listing = make_listing("198.51.100.7")
    publish()
    n_messages = queue.waiting()

    with transaction.atomic():
        let_in("198.51.100.7")
        transaction.set_rollback(True)

    listing.refresh_from_db()
    assert listing.state == State.ACTIVE
    assert not Publication.objects.waiting().exists()
    assert not Removal.objects.exists()
    assert queue.waiting() == n_messages


def test_customers_cannot_let_anybody_in(dana: User) -> None:
    listing = make_listing("198.51.100.7")

    with pytest.raises(NotYours):
        let_in("198.51.100.7", actor=Actor(Role.ADMIN, dana))

    listing.refresh_from_db()
    assert listing.state == State.ACTIVE


def test_several_removals_of_one_moment_share_a_serial() -> None:
    make_listing("198.51.100.7")
    make_listing("198.51.100.8")

    assert let_in("198.51.100.7") == let_in("198.51.100.8")


def test_a_listing_past_its_time_is_removed() -> None:
    listing = make_listing("198.51.100.7", expires_at=timezone.now() - timedelta(seconds=1))
    lasting = make_listing("198.51.100.8", expires_at=timezone.now() + timedelta(days=1))

    queue.run("listings")

    listing.refresh_from_db()
    lasting.refresh_from_db()
    assert (listing.state, lasting.state) == (State.PENDING_REMOVAL, State.ACTIVE)
    assert listing.gone_serial == Publication.objects.waiting().get().serial


def test_what_was_let_in_stays_so_when_the_listing_around_it_expires() -> None:
    make_listing("198.51.0.0/16")
    narrow = make_listing("198.51.100.0/24", expires_at=timezone.now() + timedelta(days=1))
    let_in("198.51.100.7")
    ListingException.objects.exclude(listing=narrow).update(ended_at=timezone.now())
    Listing.objects.filter(pk=narrow.pk).update(expires_at=timezone.now())

    queue.run("listings")

    assert lister_of("198.51.100.7") == ""
    assert lister_of("198.51.100.8") == "198.51.0.0/16"
    assert not ListingException.objects.live().filter(listing=narrow).exists()


def test_a_removed_prefix_can_be_listed_again_with_its_history(minji: User) -> None:
    listing = make_listing("198.51.100.7")
    let_in("198.51.100.7")

    actions.relist(listing, actor=Actor(Role.AGENT, minji), note="again")

    listing.refresh_from_db()
    assert (listing.state, listing.gone_serial) == (State.ACTIVE, None)
    assert [event for event, _source, _target in events(listing)] == [
        "activate",
        "remove",
        "relist",
    ]


def test_a_prefix_with_a_newer_listing_is_not_listed_twice() -> None:
    old = make_listing("198.51.100.7")
    make_listing("198.51.100.9")
    let_in("198.51.100.7")
    publish()
    make_listing("198.51.100.7")

    with pytest.raises(NotListable, match="newer"):
        actions.relist(old, actor=DESK)


def test_hits_are_counted_in_any_order() -> None:
    listing = make_listing("198.51.100.7")
    noon = timezone.now().replace(hour=12)

    actions.record_hit(listing.pk, noon, 3)
    actions.record_hit(listing.pk, noon - timedelta(hours=1))

    listing.refresh_from_db()
    assert (listing.hits, listing.last_hit_at) == (4, noon)
