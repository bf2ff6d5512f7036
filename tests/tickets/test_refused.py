"""The tenant's page of refused correspondents, and the same by API."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from customers.models import Tenant, User
from tests.tickets.factories import make_listing, make_ticket
from tests.traffic.factories import make_tally
from tickets.models import Ticket

pytestmark = pytest.mark.django_db
PAGE = "/tickets/refused/"
Queries = Callable[..., Any]


@pytest.fixture
def browser(client: Client, dana: User) -> Client:
    client.force_login(dana)
    return client


def rows(browser: Client, **query: str) -> list[Any]:
    answer = browser.get(PAGE, query)
    assert answer.status_code == 200
    return list(answer.context["found"].rows)


def test_a_tenant_sees_who_was_refused_since_when_and_how_often(browser: Client) -> None:
    make_listing("198.51.100.25")
    now = timezone.now()
    make_tally(refused=3, at=now - timedelta(days=2))
    make_tally(refused=4, at=now, sender="billing@bank.example")
    make_tally("203.0.113.9", refused=1, at=now - timedelta(hours=30))

    first, second = rows(browser)

    assert (str(first.who.address), first.who.refused) == ("198.51.100.25", 7)
    assert first.who.sender == "billing@bank.example"
    assert first.who.first_at < now - timedelta(days=2)
    assert first.is_listed
    assert str(second.who.address) == "203.0.113.9"
    assert not second.is_listed


def test_nobody_sees_another_tenants_correspondents(
    browser: Client, charlie: User, minji: User
) -> None:
    make_tally(refused=1, domain="school.example")
    assert rows(browser) == []

    browser.force_login(charlie)
    assert len(rows(browser)) == 1

    browser.force_login(minji)
    assert browser.get(PAGE).status_code == 302
    browser.logout()
    assert browser.get(PAGE).status_code == 302


def test_the_button_leads_to_a_form_that_is_filled_in_and_opens_nothing(browser: Client) -> None:
    make_listing("198.51.100.25")
    make_tally(refused=1)
    (row,) = rows(browser)

    page = browser.get(row.new_ticket)

    form = page.context["form"]
    assert form.initial["prefix"] == "198.51.100.25"
    assert form.initial["sender_email"] == "accounts@bank.example"
    assert form.initial["recipient"] == "dana@clinic.example"
    assert not Ticket.objects.exists()


def test_a_link_fills_in_no_more_than_three_fields_and_is_escaped(browser: Client) -> None:
    page = browser.get(
        "/tickets/new/",
        {"prefix": "<b>x", "note": "please", "key": "1", "draft": "x", "recipient": "a" * 999},
    )

    assert "<b>x" not in page.content.decode()
    assert set(page.context["form"].initial) == {"key", "prefix", "recipient"}
    assert len(page.context["form"].initial["recipient"]) == 320


def test_an_open_ticket_stands_in_place_of_the_button(browser: Client, clinic: Tenant) -> None:
    make_listing("198.51.100.25")
    ticket = make_ticket(clinic, "198.51.100.25")
    make_tally(refused=1)

    (row,) = rows(browser)

    assert row.ticket == ticket
    assert ticket.get_absolute_url() in browser.get(PAGE).content.decode()


def test_a_member_looks_and_asks_an_admin(browser: Client, erin: User) -> None:
    make_listing("198.51.100.25")
    make_tally(refused=1)
    browser.force_login(erin)

    page = browser.get(PAGE, headers={"accept-language": "en"}).content.decode()

    assert "198.51.100.25" in page
    assert "/tickets/new/" not in page


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("198.51.100.25", 1), ("198.51.100.0/24", 1), ("bank.example", 2), ("@bank.example", 2),
        ("accounts@bank.example", 2), ("example", 0), ("nobody@x.example", 0), ("\0", 2), ("%", 0),
    ],
)  # fmt: skip
def test_rows_are_found_by_address_and_by_senders_domain(
    browser: Client, text: str, found: int
) -> None:
    make_tally(refused=1)
    make_tally("203.0.113.9", refused=1)

    assert len(rows(browser, q=text)) == found


def test_the_days_can_be_chosen_and_nonsense_is_the_default(browser: Client) -> None:
    make_tally(refused=1, at=timezone.now() - timedelta(days=20))

    assert rows(browser) == []
    assert len(rows(browser, days="30")) == 1
    assert rows(browser, days="999999", before="nonsense") == []


@pytest.mark.parametrize(
    "place",
    ["0001-01-01T00:00:00+23:59_" + "0" * 32, "9999-12-31T23:59:59-23:59_" + "f" * 32],
)
def test_a_place_before_or_after_all_time_is_nonsense(browser: Client, place: str) -> None:
    assert browser.get("/tickets/refused/", {"before": place}).status_code == 200
    assert browser.get("/api/v1/refused/", {"before": place}).status_code == 200


def test_older_rows_come_on_further_pages(browser: Client) -> None:
    now = timezone.now()
    for n in range(30):
        make_tally(f"198.51.100.{n}", refused=1, at=now - timedelta(minutes=n))

    first = browser.get(PAGE).context["found"]
    second = browser.get(f"{PAGE}{first.older}").context["found"]

    seen = [str(row.who.address) for row in [*first.rows, *second.rows]]
    assert seen == [f"198.51.100.{n}" for n in range(30)]
    assert second.older == ""


def test_rows_of_the_same_second_are_all_seen_page_after_page(browser: Client) -> None:
    at = timezone.now().replace(microsecond=0)
    for n in range(30):
        make_tally(f"198.51.100.{n}", refused=1, at=at)

    first = browser.get(PAGE).context["found"]
    second = browser.get(f"{PAGE}{first.older}").context["found"]

    seen = [str(row.who.address) for row in [*first.rows, *second.rows]]
    assert seen == [f"198.51.100.{n}" for n in range(30)]


@pytest.mark.parametrize("n", [1, 30])
def test_the_page_asks_the_same_number_of_questions_for_one_row_and_thirty(
    browser: Client, n: int, django_assert_num_queries: Queries
) -> None:
    for number in range(n):
        make_listing(f"198.51.100.{number}")
        make_tally(f"198.51.100.{number}", refused=1)
    browser.get(PAGE)

    with django_assert_num_queries(11):
        browser.get(PAGE)


def test_a_tenant_without_domains_is_told_what_is_missing(browser: Client, clinic: Tenant) -> None:
    clinic.domains.all().delete()

    page = browser.get(PAGE, headers={"accept-language": "en"}).content.decode()

    assert "No mail domain is noted" in page


def test_the_api_says_the_same(browser: Client) -> None:
    make_listing("198.51.100.25")
    for n in range(26):
        make_tally(f"203.0.113.{n}", refused=1, at=timezone.now() - timedelta(minutes=n + 1))
    make_tally(refused=2)

    answer = browser.get("/api/v1/refused/").json()

    first = answer["results"][0]
    assert (first["address"], first["refused"], first["is_listed"]) == ("198.51.100.25", 2, True)
    assert first["ticket"] is None
    assert "before" in parse_qs(urlsplit(answer["next"]).query)
    rest = browser.get(answer["next"]).json()
    assert (len(rest["results"]), rest["next"]) == (2, None)


def test_the_api_is_for_customers(browser: Client, minji: User) -> None:
    browser.force_login(minji)
    assert browser.get("/api/v1/refused/").status_code == 404
    browser.logout()
    assert browser.get("/api/v1/refused/").status_code == 401
