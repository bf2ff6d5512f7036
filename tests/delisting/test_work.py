"""Proof of work: solved by a machine, counted once, and not needed by those who have no script."""

import json
from typing import Any

import altcha
import pytest
import time_machine
from django.test import Client

from delisting import work
from delisting.models import DelistRequest
from escalation import limits
from escalation.limits import Limit, TooOften
from escalation.models import Count
from tests.delisting.factories import ADDRESS, ask, make_desk
from tests.listings.factories import make_listing

pytestmark = pytest.mark.django_db


def solved(challenge: str) -> str:
    made = altcha.Challenge.from_dict(json.loads(challenge))
    solution = altcha.solve_challenge(made)
    assert solution is not None
    return altcha.Payload(made, solution).to_base64()


def test_a_solution_counts_once() -> None:
    solution = solved(work.challenge())

    assert work.is_solved(solution)
    assert not work.is_solved(solution)


@pytest.mark.parametrize(
    "forged",
    ["", "x", "e30=", "bnVsbA==", "W10=", "A" * 5000, "\u202e", "eyJjaGFsbGVuZ2UiOnt9fQ=="],
)
def test_what_is_no_solution_is_none(forged: str) -> None:
    assert not work.is_solved(forged)


def test_a_challenge_of_ones_own_and_a_stale_one_are_none() -> None:
    own = altcha.create_challenge("PBKDF2/SHA-256", 1, key_prefix="", hmac_secret="mine")
    assert not work.is_solved(solved(json.dumps(own.to_dict())))

    with time_machine.travel("2026-01-01T00:00:00Z"):
        stale = work.challenge()
    assert not work.is_solved(solved(stale))


def test_without_a_script_few_requests_pass_and_with_one_more(client: Client) -> None:
    make_desk()
    make_listing(ADDRESS)
    for _ in range(work.WITHOUT_PROOF.most):
        work.admit("", "198.51.100.0/24")
    client.defaults["REMOTE_ADDR"] = "198.51.100.9"

    refused = ask(client)
    assert refused.status_code == 429
    assert "With scripts turned on" in refused.content.decode()
    assert "postmaster@" in refused.content.decode()

    taken = ask(client, work=solved(work.challenge()))
    assert taken.status_code == 302
    assert DelistRequest.objects.count() == 1


def test_all_without_a_script_together_have_a_bound_too() -> None:
    for n in range(work.WITHOUT_PROOF_ALL.most):
        work.admit("", f"10.{n}.0.0/24")

    with pytest.raises(TooOften):
        work.admit("", "192.0.2.0/24")


# -- The limits that all of this counts by ---------------------------------------------------


def test_a_limit_counts_each_apart_and_begins_anew() -> None:
    limit = Limit("test", most=2, seconds=60)
    with time_machine.travel("2026-11-25T10:00:05Z", tick=False) as clock:
        limit.take("one")
        limit.take("one")
        limit.take("other")
        with pytest.raises(TooOften) as refusal:
            limit.take("one")
        assert "in 1 minute" in refusal.value.message
        clock.shift(60)
        limit.take("one")


def test_counts_keep_no_address_and_are_forgotten() -> None:
    with time_machine.travel("2026-11-25T10:00:05Z", tick=False):
        Limit("test", most=2, seconds=60).take("198.51.100.9")
        assert "198.51" not in str(list(Count.objects.values()))
    assert limits.forget() == 1
    assert not Count.objects.exists()


@pytest.mark.parametrize(
    ("meta", "network"),
    [
        ({"REMOTE_ADDR": "198.51.100.9"}, "198.51.100.0/24"),
        ({"REMOTE_ADDR": "::ffff:198.51.100.9"}, "198.51.100.0/24"),
        ({"REMOTE_ADDR": "2001:db8:1:2::3"}, "2001:db8:1::/48"),
        ({"REMOTE_ADDR": ""}, "unknown"),
        ({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "1.2.3.4"}, "10.0.0.0/24"),
    ],
)
def test_a_visitor_is_their_network(rf: Any, meta: dict[str, str], network: str) -> None:
    assert limits.visitor(rf.get("/", **meta)) == network


def test_behind_our_proxy_the_last_hop_counts(rf: Any, settings: Any) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    request = rf.get("/", HTTP_X_FORWARDED_FOR="6.6.6.6, 198.51.100.9")

    assert limits.visitor(request) == "198.51.100.0/24"
