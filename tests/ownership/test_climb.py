"""The ladder: who is asked, when, and when it ends."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail

from escalation import prefixes, queue
from mailroom.models import Letter
from ownership import actions, queries
from ownership.fake_registry import FakeRegistry
from ownership.lifecycle import State
from ownership.models import Answer, Contact, Inquiry, Request, RequestLetter
from tests.ownership import factories
from tests.ownership.factories import answer, asked, make_inquiry, outcome, sweep

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as travelled:
        yield travelled


def later(clock: time_machine.Traveller, days: float) -> None:
    clock.move_to(START + timedelta(days=days))
    sweep()


def test_the_best_contact_of_the_registry_is_asked(registry: FakeRegistry) -> None:
    inquiry = make_inquiry()

    sweep()

    request = inquiry.rungs.get().request
    assert request.contact.email == "abuse@hosting.example"
    assert request.state == State.SENT
    assert [message.to for message in mail.outbox] == [["abuse@hosting.example"]]
    assert outcome(inquiry) == ""


def test_a_small_network_brings_in_its_parent_at_once(registry: FakeRegistry) -> None:
    inquiry = make_inquiry("198.51.100.70")

    sweep()

    assert asked(inquiry) == ["abuse@hanbit.example", "hostmaster@carrier.example"]
    assert [rung.why for rung in inquiry.rungs.all()] == ["first", "parent"]


def test_a_national_registry_names_whom_the_regional_one_hides(registry: FakeRegistry) -> None:
    inquiry = make_inquiry("203.0.113.9")

    sweep()

    assert asked(inquiry) == ["abuse@nuri.example"]


def test_silence_is_followed_by_reminder_second_contact_and_end(
    registry: FakeRegistry, clock: time_machine.Traveller
) -> None:
    inquiry = make_inquiry()
    sweep()
    first = factories.letter_to("abuse@hosting.example")

    later(clock, 2.9)
    assert len(mail.outbox) == 1

    later(clock, 3.1)
    first.refresh_from_db()
    assert [message.to[0] for message in mail.outbox] == ["abuse@hosting.example"] * 2
    assert first.superseded_at is not None
    assert factories.letter_to("abuse@hosting.example").superseded_at is None

    later(clock, 5.1)
    assert asked(inquiry) == ["abuse@hosting.example", "admin@hosting.example"]
    assert inquiry.rungs.first().request.state == State.SENT

    later(clock, 8.2)  # the second contact has its own reminder
    later(clock, 9.1)
    assert asked(inquiry)[2:] == ["noc@hosting.example"]

    later(clock, 14.1)
    assert outcome(inquiry) == Inquiry.Outcome.UNKNOWN
    assert inquiry.rungs.first().request.state == State.EXPIRED


def test_on_the_ninth_day_the_parent_network_is_asked(
    registry: FakeRegistry, clock: time_machine.Traveller
) -> None:
    registry.networks["192.0.0.0/20"] = {
        **registry.networks["192.0.2.0/24"], "prefix": "192.0.0.0/20", "handle": "PARENT",
        "contacts": [{"handle": "P1", "name": "Parent", "kind": "group", "roles": ["abuse"],
                      "emails": ["abuse@parent.example"]}],
    }  # fmt: skip
    inquiry = make_inquiry()
    sweep()
    later(clock, 5.1)

    later(clock, 9.1)

    assert asked(inquiry)[2:] == ["abuse@parent.example"]
    assert inquiry.rungs.last().why == "parent"


def test_a_refused_letter_brings_the_next_contact_at_once(registry: FakeRegistry) -> None:
    inquiry = make_inquiry()
    queue.run("inquiries")
    Letter.objects.update(refused_at=START, due_at=None)

    sweep()

    assert asked(inquiry) == ["abuse@hosting.example", "admin@hosting.example"]
    assert inquiry.rungs.first().request.state == State.BOUNCED
    assert Contact.objects.get(email="abuse@hosting.example").bounced_until


def test_a_contact_whose_server_refused_us_is_left_out_for_a_month(registry: FakeRegistry) -> None:
    make_inquiry()
    queue.run("inquiries")
    Letter.objects.update(refused_at=START, due_at=None)
    sweep()
    other = make_inquiry("192.0.2.99")

    sweep()

    assert asked(other) == ["admin@hosting.example"]


@pytest.mark.parametrize("kind", [Answer.Kind.NOT_MINE, Answer.Kind.STOP])
def test_who_is_not_the_owner_or_wants_no_letters_is_followed_by_the_next(
    registry: FakeRegistry, kind: Answer.Kind
) -> None:
    inquiry = make_inquiry()
    sweep()

    answer("abuse@hosting.example", kind)
    sweep()

    assert asked(inquiry) == ["abuse@hosting.example", "admin@hosting.example"]
    assert outcome(inquiry) == ""


def test_the_end_of_the_ladder_is_an_unknown_owner(registry: FakeRegistry) -> None:
    inquiry = make_inquiry()
    sweep()

    for email in ("abuse", "admin", "noc"):
        answer(f"{email}@hosting.example", Answer.Kind.NOT_MINE)
        sweep()

    assert outcome(inquiry) == Inquiry.Outcome.UNKNOWN
    assert inquiry.why == "No contact is left to ask."


@pytest.mark.parametrize("address", ["203.0.113.240", "203.0.113.248"])
def test_nobody_is_asked_where_the_registry_knows_nobody(
    registry: FakeRegistry, address: str
) -> None:
    inquiry = make_inquiry(address)

    sweep()

    assert outcome(inquiry) == Inquiry.Outcome.UNKNOWN
    assert not Letter.objects.exists()


def test_our_own_domain_is_never_written_to(registry: FakeRegistry, settings: object) -> None:
    settings.POSTERN_OWN_DOMAINS = ["hosting.example"]
    inquiry = make_inquiry()

    sweep()

    assert outcome(inquiry) == Inquiry.Outcome.UNKNOWN
    assert not Letter.objects.exists()


def test_inquiries_about_one_network_share_one_request(registry: FakeRegistry) -> None:
    first, second = make_inquiry("192.0.2.25"), make_inquiry("192.0.2.26")

    sweep()

    request = Request.objects.get()
    assert [first.rungs.get().request, second.rungs.get().request] == [request, request]
    assert actions.asked_prefixes(request) == ["192.0.2.25/32", "192.0.2.26/32"]
    assert len(mail.outbox) == 1


def test_who_has_been_asked_already_hears_of_a_further_prefix_in_a_letter_of_its_own(
    registry: FakeRegistry,
) -> None:
    make_inquiry("192.0.2.25")
    sweep()
    make_inquiry("192.0.2.26")
    sweep()

    request = Request.objects.get()
    assert [("192.0.2.26" in str(letter.body)) for letter in mail.outbox] == [False, True]
    assert request.reminded_at is None
    assert request.letters.filter(superseded_at=None).count() == 1


def test_one_contact_gets_three_letters_a_week_at_most(
    registry: FakeRegistry, clock: time_machine.Traveller
) -> None:
    contact = "abuse@hosting.example"
    for number in range(5):
        make_inquiry(f"192.0.2.{number}")
        sweep()
        if Request.objects.open().filter(letters__isnull=False).exists():
            answer(contact, Answer.Kind.DENY)
            sweep()

    recent = Letter.objects.filter(recipient=contact)
    assert recent.count() == 3

    later(clock, 7.1)
    assert recent.count() > 3


def test_the_same_prefix_is_one_inquiry(registry: FakeRegistry) -> None:
    first = make_inquiry(tenant_domains=["a.example"])

    second = make_inquiry(tenant_domains=["b.example"])

    assert second.pk == first.pk
    assert second.tenant_domains == ["a.example", "b.example"]


def test_a_proof_on_file_confirms_without_a_letter(registry: FakeRegistry) -> None:
    factories.make_proof("192.0.2.0/24")

    inquiry = make_inquiry()

    assert inquiry.outcome == Inquiry.Outcome.CONFIRMED
    sweep()
    assert not Letter.objects.exists()
    assert not registry.log


def test_a_proof_of_too_low_a_level_is_not_enough(registry: FakeRegistry) -> None:
    factories.make_proof("192.0.2.0/24", level=1)

    inquiry = make_inquiry()
    sweep()

    assert outcome(inquiry) == ""
    assert len(mail.outbox) == 1


def test_a_tenant_who_is_the_owner_cannot_answer_for_itself(registry: FakeRegistry) -> None:
    inquiry = make_inquiry(tenant_domains=["hosting.example"])
    sweep()
    inquiry.refresh_from_db()
    assert inquiry.flags == ["tenant_is_owner"]
    assert inquiry.level_needed == 3

    answer("abuse@hosting.example", Answer.Kind.CONFIRM)
    sweep()

    assert outcome(inquiry) == Inquiry.Outcome.UNKNOWN
    assert "tenant_is_owner" in inquiry.why


def test_the_word_of_the_tenants_own_house_is_not_reused_for_it(registry: FakeRegistry) -> None:
    make_inquiry()
    sweep()
    answer("abuse@hosting.example", Answer.Kind.CONFIRM)
    sweep()

    again = make_inquiry(tenant_domains=["hosting.example"])

    assert again.outcome == ""
    assert again.level_needed == 3


def test_an_agent_s_contact_is_asked_and_nobody_else(registry: FakeRegistry) -> None:
    inquiry = make_inquiry("203.0.113.240")
    sweep()
    assert outcome(inquiry) == Inquiry.Outcome.UNKNOWN

    again = actions.ask_by_hand(
        inquiry, "Noc@Found.example", reason="from their web page", proposed_by="Ada",
        agreed_by="Ben",
    )  # fmt: skip
    sweep()
    answer("noc@found.example", Answer.Kind.CONFIRM)
    sweep()

    assert asked(again) == ["noc@found.example"]
    assert outcome(again) == Inquiry.Outcome.CONFIRMED
    proof = queries.current_proofs(again.asked)[0]
    assert (proof.level, proof.method) == (2, "manual")
    assert "Ada" in proof.provenance


def test_a_closed_inquiry_takes_its_request_and_unsent_letter_with_it(
    registry: FakeRegistry,
) -> None:
    inquiry = make_inquiry()
    queue.run("inquiries")

    actions.close_inquiry(inquiry)
    sweep()

    assert outcome(inquiry) == Inquiry.Outcome.CANCELLED
    assert Request.objects.get().state == State.CANCELLED
    assert not mail.outbox


def test_a_request_that_others_lean_on_stays(registry: FakeRegistry) -> None:
    first, _second = make_inquiry("192.0.2.25"), make_inquiry("192.0.2.26")
    sweep()

    actions.close_inquiry(first)

    assert Request.objects.get().state == State.SENT


def test_a_registry_that_says_wait_is_asked_by_nobody_until_then(
    registry: FakeRegistry, clock: time_machine.Traveller
) -> None:
    limited, other = make_inquiry("203.0.113.241"), make_inquiry("192.0.2.25")
    Inquiry.objects.filter(pk=limited.pk).update(due_at=START - timedelta(minutes=1))

    sweep()

    assert len(registry.log) == 1
    limited.refresh_from_db()
    assert limited.due_at == START + timedelta(seconds=120)
    assert limited.attempts == 0
    clock.move_to(START + timedelta(seconds=121))
    registry.moods.clear()
    sweep()
    assert asked(other) == ["abuse@hosting.example"]


def test_a_registry_that_never_answers_leaves_it_to_an_agent(
    registry: FakeRegistry, clock: time_machine.Traveller
) -> None:
    inquiry = make_inquiry("203.0.113.251")
    sweep()
    assert outcome(inquiry) == ""

    for hour in range(1, 24):
        clock.move_to(START + timedelta(hours=hour))
        sweep()

    assert outcome(inquiry) == Inquiry.Outcome.UNKNOWN
    assert "does not answer" in inquiry.why


def test_every_letter_s_token_is_kept_as_a_hash_only(registry: FakeRegistry) -> None:
    make_inquiry()
    sweep()
    token = factories.token_in(mail.outbox[0])

    columns = Letter.objects.values(), RequestLetter.objects.values()

    assert token not in str([list(rows) for rows in columns])


def test_the_desk_sees_whom_we_asked_and_whom_we_might(registry: FakeRegistry) -> None:
    inquiry = make_inquiry()
    sweep()
    inquiry.refresh_from_db()

    steps = queries.ladder(inquiry)

    assert [(step.email, step.look) for step in steps] == [
        ("abuse@hosting.example", "asked"),
        ("admin@hosting.example", "later"),
        ("noc@hosting.example", "later"),
    ]


def test_effective_level_is_the_best_current_proof_around_all_of_it() -> None:
    factories.make_proof("192.0.2.0/25", level=2)
    factories.make_proof("192.0.2.0/26", level=1)
    prefix = prefixes.parse_prefix

    assert queries.effective_level(prefix("192.0.2.5")) == 2
    assert queries.effective_level(prefix("192.0.2.0/24")) == 0
    assert queries.effective_level(prefix("192.0.2.200")) == 0


def test_an_inquiry_that_fails_too_often_becomes_an_agents_matter(registry: FakeRegistry) -> None:
    inquiry = make_inquiry()
    Inquiry.objects.filter(pk=inquiry.pk).update(attempts=8, last_error="KeyError: 'x'")

    queue.run("inquiries")

    inquiry.refresh_from_db()
    assert (inquiry.outcome, inquiry.due_at) == (Inquiry.Outcome.UNKNOWN, None)
    assert "KeyError" in inquiry.why
    assert "KeyError" in Letter.objects.get(kind=Letter.ALERT).body
