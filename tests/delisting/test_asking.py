"""Asking: what must be said, how often one may, and what nobody learns by it."""

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from delisting import actions, request_views
from delisting.lifecycle import State
from delisting.models import DelistRequest, Rule
from escalation.limits import Limit
from tests.delisting.factories import (
    ADDRESS,
    MAILBOX,
    SAID,
    ask,
    asked,
    letter_to,
    link_in,
    make_desk,
    status_path,
    work,
)
from tests.listings.factories import lister_of, make_listing

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def listed() -> None:
    make_desk()
    make_listing(ADDRESS)


@pytest.mark.parametrize("left_out", SAID)
def test_everything_is_asked_for_and_nothing_is_done_without_it(
    client: Client, left_out: str
) -> None:
    said = {key: value for key, value in SAID.items() if key != left_out}

    answer: Any = client.post("/delist/ask/", {"address": ADDRESS, **said})

    assert answer.status_code == 422
    assert answer.context["form"].errors[left_out]
    assert 'role="alert"' in answer.content.decode()
    assert not DelistRequest.objects.exists()


def test_fixed_does_not_tell_enough(client: Client) -> None:
    answer = ask(client, changed="Fixed")

    assert "“Fixed” does not tell us enough" in answer.content.decode()


@pytest.mark.parametrize(
    "typed",
    ["shop.example", "a@b", "a b@shop.example", "-oX@shop.example", "a@shop.example\r\nBcc: b@c.d",
     "x" * 300 + "@shop.example", "\u202epost@shop.example"],
)  # fmt: skip
def test_what_is_no_mailbox_is_told_in_words(client: Client, typed: str) -> None:
    answer = ask(client, email=typed)

    assert answer.status_code == 422
    assert not mail.outbox
    assert not DelistRequest.objects.exists()


def test_a_domain_in_its_own_letters_is_written_to(client: Client) -> None:
    request = asked(client, email="post@bücher.example")

    assert request.email == "post@xn--bcher-kva.example"


def test_the_letter_says_what_it_is_about_in_the_readers_language(client: Client) -> None:
    client.cookies["django_language"] = "ko"
    asked(client)
    work()

    letter = letter_to()
    assert ADDRESS in letter.subject
    assert "차단 목록" in letter.body
    assert link_in(letter)
    assert letter.extra_headers["Auto-Submitted"] == "auto-generated"


def test_the_row_holds_no_secret(client: Client) -> None:
    request = asked(client)
    work()

    token = link_in(letter_to()).split("/")[2]
    row = DelistRequest.objects.filter(pk=request.pk).values().get()
    assert token not in str(row)


@pytest.mark.parametrize(
    ("limit", "more"),
    [
        (actions.FOR_ADDRESS, lambda n: {"email": f"a@shop{n}.example"}),
        (actions.FOR_MAILBOX, lambda n: {"address": f"203.0.113.{n + 1}"}),
    ],
    ids=["address", "mailbox"],
)
def test_a_day_has_a_bound(client: Client, limit: Limit, more: Any) -> None:
    for n in range(limit.most):
        client.defaults["REMOTE_ADDR"] = f"10.{n}.0.1"
        asked(client, **more(n))

    answer = ask(client, **more(limit.most))

    assert answer.status_code == 429
    assert "one of these has had enough" in answer.content.decode()
    assert DelistRequest.objects.count() == limit.most


def test_a_network_and_a_domain_have_bounds_of_their_own(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "FOR_NETWORK", Limit("test-network", 2, 3600))
    for n in range(2):
        make_listing(f"198.51.100.{n + 100}")
        asked(client, address=f"198.51.100.{n + 100}", email=f"a@shop{n}.example")
    assert ask(client, email="b@other.example").status_code == 429

    monkeypatch.setattr(actions, "FOR_DOMAIN", Limit("test-domain", 1, 3600))
    asked(client, address="203.0.113.2", email="c@third.example")
    assert ask(client, address="203.0.113.3", email="d@THIRD.example").status_code == 429


def test_another_mailbox_named_later_counts_as_well(client: Client) -> None:
    """Coming to a mailbox by way of another is no way round its bound."""
    for n in range(actions.FOR_MAILBOX.most):
        request = asked(client, address=f"203.0.113.{n + 1}", email=f"a@shop{n}.example")
        client.post(f"{status_path(request)}mailbox/", {"email": MAILBOX})
        request.refresh_from_db()
        assert request.email == MAILBOX

    client.defaults["REMOTE_ADDR"] = "10.9.0.1"
    request = asked(client, address="203.0.113.7", email="z@other.example")
    refused = client.post(f"{status_path(request)}mailbox/", {"email": MAILBOX})
    assert refused.status_code == 422
    assert ask(client).status_code == 429
    work()
    letters = [message for message in mail.outbox if message.to == [MAILBOX]]
    assert len(letters) == actions.FOR_MAILBOX.most


def test_a_stranger_who_asks_for_the_same_takes_nothing_from_the_first(client: Client) -> None:
    """Whoever knows address and mailbox of somebody can ask too; the first link still works."""
    first = asked(client)
    work()
    link = link_in(letter_to())
    stranger = Client()
    second = asked(stranger)
    stranger.post(f"{status_path(second)}mailbox/", {"email": "stranger@evil.example"})
    work()

    assert client.get(link).status_code == 200
    client.post(link)
    work()
    first.refresh_from_db()
    assert first.state == State.LIFTED


def test_marks_that_nobody_sees_are_no_words(client: Client) -> None:
    assert ask(client, changed="\u202e" * 20).status_code == 422
    assert not DelistRequest.objects.exists()


def test_a_range_is_never_asked_for_here_whatever_the_table_says(client: Client) -> None:
    Rule.objects.live().filter(reason_class="range").update(way="self")
    make_listing("192.0.2.0/24", reason_class="range")

    answer = ask(client, address="192.0.2.0/24")

    assert not DelistRequest.objects.exists()
    assert answer.status_code == 200
    assert lister_of("192.0.2.9")


def test_another_mailbox_is_named_so_often_by_one_visitor(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_views, "MOVED", Limit("test-moved", 1, 3600))
    request = asked(client)
    path = f"{status_path(request)}mailbox/"

    assert client.post(path, {"email": "b@shop.example"}).status_code == 302
    assert client.post(path, {"email": "c@shop.example"}).status_code == 422


def test_who_is_not_listed_is_told_so(client: Client) -> None:
    answer = ask(client, address="198.51.100.99")

    assert "is not on our list" in answer.content.decode()
    assert not DelistRequest.objects.exists()


def test_known_and_unknown_mailboxes_look_the_same(client: Client) -> None:
    """Whoever asks for a mailbox learns nothing of what it has asked for before."""
    asked(client, address="203.0.113.1", email=MAILBOX)
    known: Any = client.post("/delist/ask/", {"address": ADDRESS, **SAID}, follow=True)
    other = {**SAID, "email": "nobody@shop.example"}
    unknown: Any = client.post("/delist/ask/", {"address": ADDRESS, **other}, follow=True)

    def plain(answer: Any) -> str:
        text = answer.content.decode().replace(MAILBOX, "X").replace("nobody@shop.example", "X")
        shown = text.partition("<h1>")[2].partition("<h2")[0]
        return re.sub(r"<time.*?</time>|203.0.113.1|198.51.100.25", "", shown)

    assert plain(known) == plain(unknown)
