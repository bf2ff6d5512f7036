"""The policy table, line by line, as a stranger meets it."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from customers.models import User
from delisting import policy
from delisting.models import DelistRequest, Rule, Way
from delisting.table import DEFAULTS
from escalation.prefixes import parse_prefix
from listings.models import Listing, ListingEntry
from tests.delisting.dns import Dns
from tests.delisting.factories import (
    ADDRESS,
    ask,
    asked,
    letter_to,
    link_in,
    listed_before,
    make_desk,
    work,
)
from tests.listings.factories import let_in, lister_of, make_exception, make_listing

pytestmark = pytest.mark.django_db
NAME = "25.100.51.198.in-addr.arpa"
SELF, WAIT, NEVER = "lifted", "cooling_down", ""
# Reason class, which time, what becomes of a request that is confirmed at once.
TABLE = [
    ("automatic", 1, SELF),
    ("automatic", 2, WAIT),
    ("automatic", 3, NEVER),
    ("trap", 1, SELF),
    ("trap", 2, NEVER),
    ("trap", 3, NEVER),
    ("policy", 1, SELF),
    ("policy", 2, SELF),
    ("policy", 3, NEVER),
    ("range", 1, NEVER),
    ("manual", 1, NEVER),
    ("tenant", 1, NEVER),
]


@pytest.mark.parametrize(("reason", "nth", "becomes"), TABLE)
def test_each_line_of_the_table(
    client: Client, dns: Dns, reason: str, nth: int, becomes: str
) -> None:
    """From the look-up by the letter to the end, or to the link that is handed out instead."""
    dns.records |= {(NAME, "PTR"): ["mail.shop.example."], ("mail.shop.example", "A"): [ADDRESS]}
    make_desk()
    if nth > 1:
        listed_before(ADDRESS, days_ago=5, times=nth - 1)
    make_listing(ADDRESS, reason_class=reason)

    page = client.get("/delist/", {"address": ADDRESS}).content.decode()
    if not becomes:
        assert "Make a link to pass on" in page
        first = DEFAULTS[reason, 1]["way"]
        if first not in {Way.SELF, Way.WAIT}:
            assert "runs_server" not in page
            assert ask(client).status_code == 409
            assert not DelistRequest.objects.exists()
            return
    asked(client)
    work()
    client.post(link_in(letter_to()))
    work()

    request = DelistRequest.objects.get()
    assert request.nth == nth
    assert request.state == (becomes or "handed_over")
    assert bool(lister_of(ADDRESS)) == (becomes != SELF)


def test_the_table_has_a_row_for_every_class_and_time() -> None:
    assert {(rule.reason_class, rule.nth) for rule in Rule.objects.live()} == set(DEFAULTS)
    for rule in Rule.objects.live():
        default = DEFAULTS[rule.reason_class, rule.nth]
        assert {name: getattr(rule, name) for name in default} == default


def test_a_table_that_has_lost_its_rows_falls_back_to_the_defaults() -> None:
    Rule.objects.all().delete()
    make_listing(ADDRESS)

    found = policy.verdict(parse_prefix(ADDRESS))

    assert found is not None
    assert found.rule.way == Way.SELF


def test_the_hardest_of_all_listings_over_an_address_decides(client: Client) -> None:
    """Nobody gets round a range by lifting the single address in it."""
    make_listing(ADDRESS)
    make_listing("198.51.100.0/24", reason_class="automatic")

    found = policy.verdict(parse_prefix(ADDRESS))

    assert found is not None
    assert found.rule.way == Way.OWNER
    assert str(found.listing) == "198.51.100.0/24"
    assert "runs_server" not in client.get("/delist/", {"address": ADDRESS}).content.decode()


def test_a_range_from_which_an_exception_takes_the_address_does_not_count() -> None:
    make_exception(make_listing("198.51.100.0/24"), "198.51.100.16/28")
    make_listing(ADDRESS)

    found = policy.verdict(parse_prefix(ADDRESS))

    assert found is not None
    assert found.rule.way == Way.SELF


def test_a_64_is_one_server_and_comes_off_whole() -> None:
    make_listing("2001:db8:7::/64")
    make_listing("2001:db8:7::25")

    found = policy.verdict(parse_prefix("2001:db8:7::25"))

    assert found is not None
    assert found.rule.way == Way.SELF
    assert str(found.lifted) == "2001:db8:7::/64"


def test_what_lies_inside_a_64_and_was_not_judged_stays(client: Client) -> None:
    make_desk()
    make_listing("2001:db8:7::/64")
    bad = make_listing("2001:db8:7::bad", reason_class="manual")
    long_ago = timezone.now() - timedelta(days=40)
    ListingEntry.objects.filter(subject=bad).update(happened_at=long_ago)
    asked(client, address="2001:db8:7::1")
    work()
    client.post(link_in(letter_to()))
    work()

    assert not lister_of("2001:db8:7::1")
    assert lister_of("2001:db8:7::bad") == "2001:db8:7::bad/128"


def test_a_server_that_moves_within_its_64_takes_its_history_along(client: Client) -> None:
    make_desk()
    for n in (1, 2):
        listed_before(f"2001:db8:7::{n}", days_ago=3)
    make_listing("2001:db8:7::/64")
    request = asked(client, address="2001:db8:7::3")
    work()
    client.post(link_in(letter_to()))
    work()

    request.refresh_from_db()
    assert (request.nth, request.state) == (3, "handed_over")


def test_what_was_long_ago_does_not_count() -> None:
    listed_before(ADDRESS, days_ago=31)
    make_listing(ADDRESS)

    found = policy.verdict(parse_prefix(ADDRESS))

    assert found is not None
    assert (found.nth, found.before) == (1, ())


def test_each_row_counts_its_own_days() -> None:
    listed_before(ADDRESS, days_ago=10)
    make_listing(ADDRESS)
    Rule.objects.live().filter(reason_class="automatic", nth=2).update(window_days=7)

    found = policy.verdict(parse_prefix(ADDRESS))

    assert found is not None
    assert found.nth == 1


def test_the_same_listing_listed_again_counts_as_another_time() -> None:
    make_desk()
    make_listing(ADDRESS)
    let_in(ADDRESS)
    make_listing(ADDRESS)  # not proved gone yet: the same row is active again

    found = policy.verdict(parse_prefix(ADDRESS))

    assert Listing.objects.filter(prefix=f"{ADDRESS}/32").count() == 1
    assert found is not None
    assert found.nth == 2


def test_a_new_holder_starts_afresh_but_not_with_what_was_listed_by_hand() -> None:
    listed_before(ADDRESS, days_ago=5, times=3)
    made = make_listing(ADDRESS)
    since = timezone.now() - timedelta(days=1)

    found = policy.verdict(parse_prefix(ADDRESS), since)
    assert found is not None
    assert (found.nth, found.rule.way) == (1, Way.SELF)

    Listing.objects.filter(pk=made.pk).update(reason_class="manual")
    found = policy.verdict(parse_prefix(ADDRESS), since)
    assert found is not None
    assert found.rule.way == Way.TWO_AGENTS


def test_the_operator_changes_a_rule_and_the_old_one_stays_as_history(
    client: Client, root: User
) -> None:
    client.force_login(root)
    rule = Rule.objects.live().get(reason_class="automatic", nth=2)

    answer = client.post(
        f"/desk/delisting/rule/{rule.pk}/change/",
        {
            "way": "wait", "wait_hours": "48", "window_days": "30", "hits_allowed": "5",
            "note": "more time",
        },
    )  # fmt: skip

    assert answer.status_code == 302
    rule.refresh_from_db()
    now = Rule.objects.live().get(reason_class="automatic", nth=2)
    assert rule.ended_at is not None
    assert rule.wait_hours == 24
    assert (now.wait_hours, now.made_by, now.note) == (48, root, "more time")
    assert client.get(f"/desk/delisting/rule/{rule.pk}/change/").status_code == 200
    refused: Any = client.post(f"/desk/delisting/rule/{rule.pk}/change/", {"way": "self"})
    assert refused.status_code == 403


def test_an_agent_reads_the_policy_and_does_not_change_it(client: Client, minji: User) -> None:
    client.force_login(minji)
    rule = Rule.objects.live().get(reason_class="automatic", nth=1)

    assert client.get("/desk/delisting/rule/").status_code == 200
    answer: Any = client.post(f"/desk/delisting/rule/{rule.pk}/change/", {"way": "agent"})

    assert answer.status_code == 403
    rule.refresh_from_db()
    assert rule.way == Way.SELF
