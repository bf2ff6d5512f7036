"""Which listing covers an address, on a real database."""

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tuned
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings

from escalation.prefixes import parse_address, parse_prefix
from listings import actions, queries
from listings.models import Listing, ListingException
from tests.listings.factories import let_in, lister_of, make_exception, make_listing
from tests.listings.test_ranges import BASES, NARROW, marks_of, model

pytestmark = pytest.mark.django_db


def test_the_most_specific_listing_refuses_an_address() -> None:
    make_listing("198.51.100.0/24")
    make_listing("198.51.100.16/28")

    assert lister_of("198.51.100.17") == "198.51.100.16/28"
    assert lister_of("198.51.100.1") == "198.51.100.0/24"
    assert lister_of("198.51.101.1") == ""


def test_an_exception_takes_its_part_out_of_every_wider_listing() -> None:
    make_exception(make_listing("198.51.100.0/24"), "198.51.100.16/28")

    assert lister_of("198.51.100.17") == ""
    assert lister_of("198.51.100.32") == "198.51.100.0/24"


def test_a_listing_inside_an_exception_lists_again() -> None:
    make_exception(make_listing("2001:db8::/32"), "2001:db8:1::/48")
    make_listing("2001:db8:1:2::/64")

    assert lister_of("2001:db8:1:2::3") == "2001:db8:1:2::/64"
    assert lister_of("2001:db8:1:3::3") == ""
    assert lister_of("2001:db8:2::3") == "2001:db8::/32"


def test_the_listing_wins_over_an_exception_of_the_same_prefix() -> None:
    make_exception(make_listing("198.51.100.0/24"), "198.51.100.16/28")
    make_listing("198.51.100.16/28")

    assert lister_of("198.51.100.17") == "198.51.100.16/28"


@pytest.mark.parametrize(
    ("address", "asked"), [("2001:db9::1", 1), ("2001:db8:1::1", 2), ("2001:db8:2::1", 3)]
)
def test_a_few_queries_answer_which_listing_covers_an_address(
    address: str, asked: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_exception(make_listing("2001:db8::/32"), "2001:db8:1::/48")

    with django_assert_num_queries(asked):
        queries.listed(parse_address(address))


def test_a_prefix_is_touched_when_any_address_of_it_is_refused() -> None:
    make_listing("198.51.100.77")

    assert queries.touches(parse_prefix("198.51.100.0/24"))
    assert queries.touches(parse_prefix("198.51.100.77"))
    assert not queries.touches(parse_prefix("198.51.100.76"))


def test_a_prefix_whose_parts_are_all_taken_out_is_not_touched() -> None:
    listing = make_listing("198.51.100.0/24")
    make_exception(listing, "198.51.100.0/26")
    make_exception(listing, "198.51.100.64/26")

    assert not queries.touches(parse_prefix("198.51.100.0/25"))
    assert queries.covering_listing(parse_prefix("198.51.100.0/25")) is None
    assert queries.touches(parse_prefix("198.51.100.0/24"))


def test_a_case_hangs_on_the_listing_over_its_prefix_else_on_the_first_inside() -> None:
    wide = make_listing("198.51.100.0/24")
    make_listing("203.0.113.9")
    small = make_listing("203.0.113.7")

    assert queries.covering_listing(parse_prefix("198.51.100.0/28")) == wide
    assert queries.covering_listing(parse_prefix("203.0.113.0/24")) == small
    assert queries.covering_listing(parse_prefix("192.0.2.0/24")) is None


def test_past_listings_are_told_the_latest_first() -> None:
    first = make_listing("198.51.100.7")
    second = make_listing("198.51.100.0/24")
    let_in("198.51.100.0/24")

    assert queries.earlier(parse_prefix("198.51.100.0/25")) == [second, first]
    assert queries.earlier(parse_prefix("198.51.100.8")) == [second]


@pytest.mark.parametrize(
    ("prefix", "words"),
    [
        ("10.1.2.3", "not public"),
        ("0.0.0.0/0", "not public"),
        ("fe80::1", "not public"),
        ("4000::/16", "not public"),
        ("198.41.0.0/24", "Internet needs (198.41.0.4)"),
        ("2001:500:2::c", "Internet needs (2001:500:2::c)"),
        ("81.2.69.0/24", "never refuse (81.2.69.142)"),
        ("81.2.69.141", ""),
        ("198.51.100.7", ""),
    ],
)
def test_protected_space_is_named_in_words(prefix: str, words: str, settings: Settings) -> None:
    settings.POSTERN_PROTECTED = ["81.2.69.142"]

    why = queries.why_protected(parse_prefix(prefix))

    assert words in why
    assert bool(why) == bool(words)


def test_documentation_prefixes_are_not_public_outside_the_demo(settings: Settings) -> None:
    settings.POSTERN_DEMO = False

    assert "not public" in queries.why_protected(parse_prefix("198.51.100.7"))


@pytest.mark.parametrize("family", [4, 6])
@given(drawn=st.data())
@tuned(max_examples=40, suppress_health_check=list(HealthCheck))
def test_the_database_says_of_every_address_what_the_model_says(
    family: int, drawn: st.DataObject
) -> None:
    marks = drawn.draw(marks_of(family))
    ListingException.objects.all().delete()
    Listing.objects.all().delete()
    roof = Listing.objects.create(**actions.columns(parse_prefix("192.0.2.0/24")), state="active")
    for net, lists in set(marks):
        columns = actions.columns(net)
        if lists:
            Listing.objects.create(**columns, state="active")
        else:
            ListingException.objects.create(listing=roof, **columns, serial=0)

    base = parse_prefix(f"{BASES[family]}/{(32 if family == 4 else 128) - NARROW}")
    said = [queries.listed(address) is not None for address in base]

    assert said == [model(marks, address) for address in base]
    assert queries.touches(base) == any(said)
    assert [queries.touches(parse_prefix(str(address))) for address in base] == said
