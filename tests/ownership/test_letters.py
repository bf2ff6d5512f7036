"""What our letters to owners say, to the letter: ``letters/*.txt`` are read by people."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.core import mail

from mailroom.models import Letter
from ownership import actions
from ownership.fake_registry import FakeRegistry
from ownership.models import Answer
from tests.ownership import factories
from tests.ownership.factories import answer, make_inquiry, sweep

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
FOLDER = Path(__file__).parent / "letters"
ABUSE = "abuse@hosting.example"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as travelled:
        yield travelled


def same_as_on_file(name: str, letter: Letter) -> None:
    """Compare with the file; ``WRITE_LETTERS=1`` writes it, to be read before it is committed."""
    text = f"To: {letter.recipient}\nSubject: {letter.subject}\n\n{letter.body}"
    text = text.replace("127.0.0.1", "rdap.example")
    if os.environ.get("WRITE_LETTERS"):
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{name}.txt").write_text(text, encoding="utf-8")
    assert text == (FOLDER / f"{name}.txt").read_text(encoding="utf-8")


def newest(email: str, kind: str) -> Letter:
    return Letter.objects.filter(recipient=email, kind=kind).latest("pk")


def test_the_question(registry: FakeRegistry) -> None:
    make_inquiry(tenant_domains=["customer.example"])
    sweep()

    same_as_on_file("request", newest(ABUSE, "owner-request"))


def test_the_question_about_several_prefixes_in_korean_first(registry: FakeRegistry) -> None:
    make_inquiry("203.0.113.9")
    make_inquiry("203.0.113.10", evidence={"listed_at": None, "reason": "trap", "hits": 0})
    sweep()

    same_as_on_file("request_korea", newest("abuse@nuri.example", "owner-request"))


def test_the_reminder(registry: FakeRegistry, clock: time_machine.Traveller) -> None:
    make_inquiry()
    sweep()
    clock.move_to(START + timedelta(days=3, hours=1))
    sweep()

    same_as_on_file("reminder", newest(ABUSE, "owner-reminder"))


def test_the_question_passed_on(registry: FakeRegistry) -> None:
    make_inquiry()
    sweep()
    answer(ABUSE, Answer.Kind.FORWARD, forward_to="ops@hosting.example")
    sweep()

    same_as_on_file("request_passed_on", newest("ops@hosting.example", "owner-request"))


def test_the_notice(registry: FakeRegistry) -> None:
    make_inquiry()
    sweep()
    answer(ABUSE, Answer.Kind.CONFIRM)
    sweep()

    same_as_on_file("notice", newest("noc@hosting.example", "owner-notice"))


@pytest.mark.parametrize("kind", ["confirm", "deny", "not_mine", "forward"])
def test_the_receipt(registry: FakeRegistry, kind: str) -> None:
    make_inquiry()
    sweep()
    answer(ABUSE, Answer.Kind(kind), forward_to="ops@hosting.example")
    sweep()

    same_as_on_file(f"receipt_{kind}", newest(ABUSE, "owner-receipt"))


def test_the_receipt_of_a_word_that_does_not_count(registry: FakeRegistry) -> None:
    make_inquiry()
    sweep()
    registry.remove_contact("192.0.2.0/24", ABUSE)
    answer(ABUSE, Answer.Kind.CONFIRM)
    sweep()

    same_as_on_file("receipt_rejected", newest(ABUSE, "owner-receipt"))


def test_every_letter_has_one_link_at_most_and_says_that_a_machine_wrote_it(
    registry: FakeRegistry,
) -> None:
    make_inquiry(tenant_domains=["customer.example"])
    sweep()
    answer(ABUSE, Answer.Kind.CONFIRM)
    sweep()

    for message in mail.outbox:
        text = str(message.body)
        assert text.count("http") == text.count("/answer/") <= 1
        assert "customer.example" not in text
        assert message.message()["Auto-Submitted"] == "auto-generated"
        assert message.message().get_content_type() == "text/plain"


def test_a_holders_name_brings_no_link_of_its_own(registry: FakeRegistry) -> None:
    holder = {"handle": "X", "name": "Visit https://evil.example/answer/ now"}
    registry.networks["192.0.2.0/24"]["organisation"] = holder
    make_inquiry()
    sweep()

    assert "evil.example" not in newest(ABUSE, "owner-request").body


def test_a_letter_by_hand_does_not_claim_the_registry(registry: FakeRegistry) -> None:
    inquiry = make_inquiry("203.0.113.240")
    sweep()
    actions.ask_by_hand(
        inquiry, "noc@found.example", reason="web page", proposed_by="Ada", agreed_by="Ben"
    )
    sweep()

    letter = newest("noc@found.example", "owner-request")
    assert "Two members of our staff agreed" in letter.body.replace("\n", " ")
    assert "public registry at" not in letter.body
    assert factories.letter_to("noc@found.example").request.rungs.get().why == "by_hand"
