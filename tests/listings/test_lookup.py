"""The page that our refusals lead to, and the paste on the front page."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from listings import lookup
from listings.models import Listing
from tests.listings.factories import let_in, make_exception, make_listing, publish
from tests.traffic import lines

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

    assert "On our list" in shown
    assert "spam trap" in shown
    assert "198.51.100.0/24" in shown
    assert "Ask the person you wrote to" in shown
    assert "Ends by itself" in shown
    assert "secret evidence" not in shown


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


@pytest.mark.parametrize(
    "typed", ["nonsense", "<script>alert(1)</script>", "198.51.100.7/24", "fe80::1%eth0", "1" * 99]
)
def test_what_is_no_address_is_told_in_words_and_escaped(client: Client, typed: str) -> None:
    shown = page(client, typed, 422)

    assert 'role="alert"' in shown
    assert "<script>alert" not in shown


PASTES = {
    "by table": lines.refused("198.51.100.7"),
    "by DNS": lines.by_dns("198.51.100.7"),
    "bounce": (
        "<dana@clinic.example>: host mx1.mail.example[192.0.2.1] said: 550 5.7.606\n"
        "    <unknown[198.51.100.7]>: Client host rejected: Mail from 198.51.100.7 is refused:\n"
        f"    see {lines.URL}/delist/?address=198.51.100.7 (L12) (in reply to RCPT TO command)\n"
    ),
    "reply": "550 5.7.606 Access denied, banned sending IP [198.51.100.7]",
}


@pytest.mark.parametrize("paste", PASTES.values(), ids=PASTES)
def test_a_pasted_refusal_is_recognised(client: Client, paste: str) -> None:
    answer = client.post(PAGE, {"text": paste})

    assert answer.status_code == 302
    assert answer.headers["Location"] == "/delist/?address=198.51.100.7"


@pytest.mark.parametrize("text", ["", "hello", "\0\ud800" * 9, "x" * 200_000, "//127.0.0.1:8000/"])
def test_a_paste_without_an_address_is_told_in_words(client: Client, text: str) -> None:
    safe = text.encode("utf-8", "replace").decode()
    answer = client.post(PAGE, {"text": safe}, headers=ENGLISH)

    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()


def test_the_front_page_takes_a_paste_and_nothing_is_kept(client: Client) -> None:
    assert 'action="/delist/"' in client.get("/").content.decode()
    before = Listing.objects.count()

    client.post(PAGE, {"text": PASTES["bounce"]})

    assert Listing.objects.count() == before


def test_our_own_reply_is_known_as_ours() -> None:
    assert lookup.is_ours(lines.by_dns("198.51.100.7"))
    assert not lookup.is_ours("blocked using bl.other.example; see https://other.example/delist/")
