"""What our letters to customers, senders and agents say: ``letters/*.txt`` are read by people."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from customers.models import Tenant, User
from escalation.actors import DESK
from listings.models import Publication, Receipt
from mailroom.models import Letter
from tests.tickets.factories import agent, make_case, make_sink, make_ticket
from tickets import actions, jobs
from tickets.lifecycle import Event
from tickets.models import Case

pytestmark = pytest.mark.django_db
FOLDER = Path(__file__).parent / "letters"
SENDER = "accounts@bank.example"
LANGUAGES = pytest.mark.parametrize("language", ["en", "ko"])
ADDRESS = "198.51.100.25"


def same_as_on_file(name: str, letter: Letter) -> None:
    """Compare with the file; ``WRITE_LETTERS=1`` writes it, to be read before it is committed."""
    text = f"To: {letter.recipient}\nSubject: {letter.subject}\n\n{letter.body}"
    text = re.sub(r"(?i)(ticket|티켓|case|사안) ?(\d+)", r"\1 NN", text)
    if os.environ.get("WRITE_LETTERS"):
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{name}.txt").write_text(text, encoding="utf-8")
    assert text == (FOLDER / f"{name}.txt").read_text(encoding="utf-8")


def newest(kind: str) -> Letter:
    return Letter.objects.filter(kind=kind).latest("pk")


@pytest.fixture
def reader(clinic: Tenant, dana: User) -> Any:
    """Makes the case of a sender and a customer who read ``language``."""

    def make(language: str, **more: Any) -> Case:
        User.objects.filter(pk=dana.pk).update(language=language)
        make_sink()
        return make_case(tenant=clinic, prefix=ADDRESS, sender_language=language, **more)

    return make


@LANGUAGES
def test_the_senders_link(reader: Any, language: str) -> None:
    reader(language)

    same_as_on_file(f"sender_opened.{language}", newest("sender-opened"))


@LANGUAGES
def test_a_question(reader: Any, minji: User, language: str) -> None:
    case = reader(language)
    actions.take_step(case, Event.ASK_SENDER, agent(minji), note="What did you change?")
    actions.say(
        case.conversations.select_related("case", "ticket__opened_by").get(party="customer"),
        agent(minji), "Do you still expect their mail?",
    )  # fmt: skip

    same_as_on_file(f"sender_message.{language}", newest("sender-message"))
    same_as_on_file(f"customer_message.{language}", newest("customer-message"))


@LANGUAGES
def test_off_the_list(reader: Any, minji: User, language: str) -> None:
    case = reader(language)
    actions.take_step(case, Event.APPROVE, agent(minji))
    publication = Publication.objects.get(serial=case.gone_serial)
    Publication.objects.filter(pk=publication.pk).update(published_at=timezone.now())
    Receipt.objects.create(sink=make_sink(), publication=publication, proof="read back")
    jobs.sweep_cases()

    same_as_on_file(f"sender_delisted.{language}", newest("sender-state"))
    same_as_on_file(f"customer_delisted.{language}", newest("customer-state"))


@LANGUAGES
def test_not_on_our_list(clinic: Tenant, dana: User, language: str) -> None:
    User.objects.filter(pk=dana.pk).update(language=language)
    make_ticket(clinic, ADDRESS, listed=False, sender_language=language)
    jobs.sweep_cases()

    same_as_on_file(f"sender_not_listed.{language}", newest("sender-state"))
    same_as_on_file(f"customer_not_listed.{language}", newest("customer-state"))


@LANGUAGES
def test_a_case_that_has_risen(reader: Any, joon: User, language: str) -> None:
    User.objects.filter(pk=joon.pk).update(language=language)
    case = reader(language)
    actions.take_step(case, Event.ESCALATE, DESK, note="Nobody has looked at it for a day.")

    same_as_on_file(f"risen.{language}", newest("risen"))
