"""The page that our refusals lead to: what the list says of an address, and who may lift it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from delisting.models import Referral
from tests.delisting.factories import ADDRESS, listed_before, make_desk
from tests.listings.factories import let_in, make_exception, make_listing, publish

pytestmark = pytest.mark.django_db
PAGE = "/delist/"
ENGLISH = {"accept-language": "en"}


def page(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(PAGE, {"address": address}, headers=ENGLISH)
    assert answer.status_code == status
    return answer.content.decode()


def test_a_listed_address_is_told_why_since_when_and_what_to_do(client: Client) -> None:
    make_listing(
        "198.51.100.0/24", reason_class="trap", evidence="secret evidence",
        expires_at=timezone.now() + timedelta(days=3),
    )  # fmt: skip

    shown = page(client, "198.51.100.7")

    assert "Only the owner of the address space can have this range lifted" in shown
    assert "spam trap" in shown
    assert "198.51.100.0/24" in shown
    assert "Make a link to pass on" in shown
    assert "Ends by itself" in shown
    assert "secret evidence" not in shown


def test_the_way_by_oneself_is_shown_with_what_happened_before(client: Client) -> None:
    listed_before(ADDRESS, days_ago=5)
    make_listing(ADDRESS)

    shown = page(client, ADDRESS)

    assert "You may lift this listing yourself, 24 hours later." in shown
    assert "Before" in shown
    assert shown.count("checked") == 0  # nothing is ticked for anybody


def test_a_policy_listing_is_about_names_and_asks_for_them(client: Client) -> None:
    make_listing(ADDRESS, reason_class="policy")

    shown = page(client, ADDRESS)

    assert "once the names of the address agree" in shown
    assert "The address is fixed, not from a dynamic pool." in shown
    assert "I found what sent the unwanted mail" not in shown
    assert 'action="/diagnosis/live/"' in shown


def test_a_link_to_pass_on_holds_what_the_stranger_adds(client: Client) -> None:
    make_listing("198.51.100.0/24")
    given = {
        "address": ADDRESS, "recipient": "dana@clinic.example", "sender_email": "a@bank.example",
    }  # fmt: skip

    shown = client.post("/delist/refer/", given, headers=ENGLISH).content.decode()

    assert "dana@clinic.example" in shown
    made = Referral.objects.get()
    assert (made.prefix, made.recipient, made.sender_email) == (
        ADDRESS, "dana@clinic.example", "a@bank.example",
    )  # fmt: skip


def test_an_exception_and_a_stranger_are_not_on_it(client: Client) -> None:
    make_exception(make_listing("198.51.100.0/24"), "198.51.100.7")

    assert "Not on our list" in page(client, "198.51.100.7")
    assert "Not on our list" in page(client, "[IPv6:2001:db8::1]")


def test_what_not_every_sink_has_let_go_is_said_to_be_on_its_way(client: Client) -> None:
    for n in range(5):
        make_listing(f"198.51.100.{n}")
    publish()
    let_in("198.51.100.1")

    assert "Just taken off" in page(client, "198.51.100.1")
    publish()
    assert "Not on our list" in page(client, "198.51.100.1")


def test_the_page_speaks_of_the_listing_that_decides(client: Client) -> None:
    make_listing(ADDRESS)
    make_listing("198.51.100.0/24", reason_class="automatic")

    shown = page(client, ADDRESS)

    assert "Only the owner of the address space" in shown
    assert "198.51.100.0/24" in shown


def test_a_prefix_with_a_listing_inside_is_sent_to_the_single_address(client: Client) -> None:
    make_listing(ADDRESS)

    shown = page(client, "198.51.100.0/24")

    assert "Some addresses of 198.51.100.0/24 are on our list" in shown
    assert f"/delist/?address={ADDRESS}" in shown
    assert "Make a link" not in shown


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("nonsense", "is not an IP address"),
        ("<script>alert(1)</script>", "is not an IP address"),
        ("198.51.100.7/24", "Did you mean 198.51.100.0/24?"),
        ("fe80::1%eth0", "has a zone"),
        ("1" * 99, "is not an IP address"),
        ("198.51.100.7\u202e", "198.51.100.7 is not on our list"),
        ("\u0661.2.3.4", "is not an IP address"),
        ("[IPv6:2001:db8::1", "2001:db8::1"),
        ("xn--bcher-kva.example", "is not an IP address"),
        ("\0", "Is an address refused?"),
    ],
)
def test_what_is_no_address_gets_a_clear_sentence(client: Client, typed: str, said: str) -> None:
    answer = client.get(PAGE, {"address": typed}, headers=ENGLISH)

    shown = answer.content.decode()
    assert answer.status_code in {200, 422}
    assert said in shown
    assert "<script>alert" not in shown
    assert "\u202e" not in shown


def test_the_page_asks_the_database_as_often_for_one_listing_as_for_many(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_desk()
    make_listing(ADDRESS)
    with django_assert_num_queries(10):
        page(client, ADDRESS)

    listed_before(ADDRESS, days_ago=3, times=30)
    make_listing(ADDRESS)
    for length in range(18, 32):
        make_listing(f"198.51.100.0/{length}" if length > 23 else f"198.51.0.0/{length}")
    with django_assert_num_queries(10):
        page(client, ADDRESS)


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_changes_nothing(client: Client, method: str) -> None:
    make_listing(ADDRESS)

    getattr(client, method)("/delist/ask/", {"address": ADDRESS})
    getattr(client, method)("/delist/refer/", {"address": ADDRESS})

    assert "You may lift" in page(client, ADDRESS)
