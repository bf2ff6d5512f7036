"""Two at the same instant: exactly one takes effect."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from escalation import owed, prefixes
from mailroom.models import Letter
from ownership import actions, budget, queries
from ownership.answering import settle
from ownership.budget import OutOfTurn
from ownership.climb import climb
from ownership.fake_registry import FakeRegistry
from ownership.models import Answer, Inquiry, Proof, Request, RequestEntry, Rung
from tests.ownership import factories
from tests.ownership.factories import make_inquiry, outcome, sweep

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
ABUSE = "abuse@hosting.example"


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Do all of it at the same moment, each on a connection of its own; the results, in order."""
    start = Barrier(len(acts))

    def act(doing: Callable[[], object]) -> object:
        start.wait()
        try:
            return doing()
        except actions.NotOpen:
            return "not open"
        except (owed.LeaseLost, OutOfTurn) as error:
            return type(error).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(act, acts))


def test_of_two_answers_at_the_same_instant_one_counts(registry: FakeRegistry) -> None:
    inquiry = make_inquiry()
    sweep()
    yes, no = actions.Given(Answer.Kind.CONFIRM), actions.Given(Answer.Kind.DENY)

    results = at_once(
        *(lambda given=given: actions.record_answer(factories.letter_to(ABUSE), given)
          for given in (yes, no, yes, no))
    )  # fmt: skip

    assert results.count("not open") == 3
    kind = Answer.objects.get().kind
    assert RequestEntry.objects.filter(event="answer").count() == 1
    sweep()
    assert outcome(inquiry) == ("confirmed" if kind == Answer.Kind.CONFIRM else "denied")


def test_a_double_click_is_one_answer(registry: FakeRegistry) -> None:
    make_inquiry()
    sweep()
    browser = Client()
    browser.get(f"/answer/{factories.token_in(mail.outbox[0])}/")
    form = {"answer": "confirm", "prefixes": ["192.0.2.25/32"], "name": "R", "acts_for": "on"}

    responses = at_once(*[lambda: browser.post("/answer/", form).status_code] * 2)

    assert responses == [302, 302]
    assert Answer.objects.count() == 1


def test_two_workers_with_one_answer_prove_it_once(registry: FakeRegistry) -> None:
    inquiry = make_inquiry()
    sweep()
    factories.answer(ABUSE, Answer.Kind.CONFIRM)
    token = owed.claim(Answer.objects.all())[0].lease_token

    def work() -> None:
        answer = Answer.objects.select_related("request__contact", "request__network").get()
        answer.lease_token = token
        settle(answer)

    results = at_once(work, work)

    assert sorted(map(str, results)) == ["LeaseLost", "None"]
    assert Proof.objects.count() == 1
    assert Letter.objects.filter(kind="owner-receipt").count() == 1
    assert outcome(inquiry) == Inquiry.Outcome.CONFIRMED


def test_two_workers_on_one_inquiry_ask_once(registry: FakeRegistry) -> None:
    make_inquiry()
    token = owed.claim(Inquiry.objects.all())[0].lease_token

    def work() -> None:
        inquiry = Inquiry.objects.get()
        inquiry.lease_token = token
        climb(inquiry)

    results = at_once(work, work)

    assert sorted(map(str, results)) == ["LeaseLost", "None"]
    assert Rung.objects.count() == Request.objects.count() == Letter.objects.count() == 1


def test_two_inquiries_about_one_network_at_once_make_one_request(registry: FakeRegistry) -> None:
    for number in range(4):
        make_inquiry(f"192.0.2.{number}")
    rows = owed.claim(Inquiry.objects.all())

    at_once(*(lambda row=row: climb(row) for row in rows))
    sweep()

    assert Request.objects.count() == Letter.objects.count() == 1
    assert Rung.objects.count() == 4


def test_two_cases_opened_at_once_make_one_inquiry(registry: FakeRegistry) -> None:
    at_once(*[lambda: make_inquiry()] * 4)

    assert Inquiry.objects.count() == 1


def test_a_yes_and_a_no_settled_at_once_are_a_contradiction(registry: FakeRegistry) -> None:
    inquiry = make_inquiry("198.51.100.70")
    sweep()
    factories.answer("abuse@hanbit.example", Answer.Kind.CONFIRM)
    factories.answer("hostmaster@carrier.example", Answer.Kind.DENY)
    claimed = {row.pk: row.lease_token for row in owed.claim(Answer.objects.all())}
    rows = list(Answer.objects.select_related("request__contact", "request__network"))
    for row in rows:
        row.lease_token = claimed[row.pk]

    results = at_once(*(lambda row=row: settle(row) for row in rows))
    sweep()

    assert results == [None, None]
    assert outcome(inquiry) == Inquiry.Outcome.CONTRADICTED
    assert queries.effective_level(prefixes.parse_prefix("198.51.100.70")) == 0


def test_workers_share_the_budget_of_a_registry() -> None:
    url = "https://rdap.example/ip/192.0.2.1"

    results = at_once(*[lambda: budget.take(url)] * 8)

    refused = results.count("OutOfTurn")
    assert refused == 3, f"5 at once, then one each second: {timezone.now()}"
