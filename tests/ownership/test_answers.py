"""What an answer comes to."""

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from escalation import prefixes
from escalation.actors import Actor, Role
from escalation.errors import Refused
from mailroom.models import Letter
from ownership import actions, queries
from ownership.fake_registry import FakeRegistry
from ownership.models import Answer, Contact, Inquiry, Proof, Request
from tests.factories import make_user
from tests.ownership import factories
from tests.ownership.factories import ABUSE, CONFIRM, answer, asked, make_inquiry, outcome, sweep

pytestmark = pytest.mark.django_db


def test_a_confirm_becomes_a_proof_for_this_address_alone(inquiry: Inquiry) -> None:
    answer(ABUSE, Answer.Kind.CONFIRM)
    assert outcome(inquiry) == ""

    sweep()

    assert outcome(inquiry) == Inquiry.Outcome.CONFIRMED
    proof = Proof.objects.get()
    assert (proof.level, proof.method) == (2, "registry_mail")
    assert (proof.first, proof.last) == prefixes.keys(inquiry.asked)
    assert ABUSE in proof.provenance
    assert inquiry.network is not None
    assert inquiry.network.handle in proof.provenance
    assert queries.effective_level(prefixes.parse_prefix("192.0.2.26")) == 0


def test_a_wider_scope_is_a_choice_of_its_own(inquiry: Inquiry) -> None:
    answer(ABUSE, Answer.Kind.CONFIRM, whole_network=True)
    sweep()

    assert queries.effective_level(prefixes.parse_prefix("192.0.2.0/24")) == 2
    assert make_inquiry("192.0.2.26").outcome == Inquiry.Outcome.CONFIRMED


def test_a_confirm_counts_only_while_the_registry_lists_the_contact(
    registry: FakeRegistry, inquiry: Inquiry
) -> None:
    registry.remove_contact("192.0.2.0/24", ABUSE)

    given = answer(ABUSE, Answer.Kind.CONFIRM)
    sweep()

    given.refresh_from_db()
    assert given.accepted is False
    assert "no longer lists" in given.reject_reason
    assert not Proof.objects.exists()
    assert outcome(inquiry) == ""
    assert asked(inquiry) == [ABUSE, "admin@hosting.example"]


def test_a_confirm_waits_for_a_registry_in_trouble(
    registry: FakeRegistry, inquiry: Inquiry
) -> None:
    registry.moods["192.0.2.25"] = "server_error"

    given = answer(ABUSE, Answer.Kind.CONFIRM)
    sweep()

    given.refresh_from_db()
    assert given.checked_at is None
    assert outcome(inquiry) == ""
    del registry.moods["192.0.2.25"]
    Answer.objects.update(due_at=timezone.now())
    sweep()
    assert outcome(inquiry) == Inquiry.Outcome.CONFIRMED


def test_the_parents_contact_may_confirm(registry: FakeRegistry) -> None:
    inquiry = make_inquiry("198.51.100.70")
    sweep()

    answer("hostmaster@carrier.example", Answer.Kind.CONFIRM)
    sweep()

    assert outcome(inquiry) == Inquiry.Outcome.CONFIRMED
    assert Proof.objects.get().network.handle == "NET-198-51-100-0-1"


def test_who_runs_the_server_confirms_as_well(inquiry: Inquiry) -> None:
    answer(ABUSE, Answer.Kind.OPERATE, text="A stolen password; changed.")
    sweep()

    assert outcome(inquiry) == Inquiry.Outcome.CONFIRMED


def test_a_denial_stands(inquiry: Inquiry) -> None:
    answer(ABUSE, Answer.Kind.DENY)
    sweep()

    assert outcome(inquiry) == Inquiry.Outcome.DENIED
    assert not Proof.objects.exists()


def test_several_prefixes_are_answered_one_by_one(registry: FakeRegistry) -> None:
    yes, no = make_inquiry("192.0.2.25"), make_inquiry("192.0.2.26")
    sweep()

    answer(ABUSE, Answer.Kind.CONFIRM, prefixes=["192.0.2.25/32"])
    sweep()

    assert outcome(yes) == Inquiry.Outcome.CONFIRMED
    assert outcome(no) == ""
    assert asked(no) == [ABUSE, "admin@hosting.example"]


@pytest.mark.parametrize("yes_first", [True, False])
def test_two_contacts_who_disagree_leave_it_to_an_agent(
    registry: FakeRegistry, yes_first: bool
) -> None:
    inquiry = make_inquiry("198.51.100.70")
    sweep()
    kinds = [Answer.Kind.CONFIRM, Answer.Kind.DENY]

    answer("abuse@hanbit.example", kinds[not yes_first])
    sweep()
    answer("hostmaster@carrier.example", kinds[yes_first])
    sweep()

    assert outcome(inquiry) == Inquiry.Outcome.CONTRADICTED
    assert queries.effective_level(inquiry.asked) == 0


def test_the_owner_can_be_asked_again_after_a_contradiction(registry: FakeRegistry) -> None:
    inquiry = make_inquiry("198.51.100.70")
    sweep()
    answer("abuse@hanbit.example", Answer.Kind.CONFIRM)
    answer("hostmaster@carrier.example", Answer.Kind.DENY)
    sweep()
    assert outcome(inquiry) == Inquiry.Outcome.CONTRADICTED

    again = actions.reopen_inquiry(inquiry)
    sweep()
    answer("hostmaster@carrier.example", Answer.Kind.CONFIRM)
    sweep()

    assert outcome(inquiry) == Inquiry.Outcome.CONTRADICTED
    assert outcome(again) == Inquiry.Outcome.CONFIRMED


def test_others_in_the_house_hear_of_a_confirm_and_may_object(
    inquiry: Inquiry, client: Client
) -> None:
    answer(ABUSE, Answer.Kind.CONFIRM)
    sweep()
    notice = next(one for one in mail.outbox if one.to == ["noc@hosting.example"])
    assert outcome(inquiry) == Inquiry.Outcome.CONFIRMED

    client.get(f"/answer/{factories.token_in(notice)}/")
    assert (
        "Another contact of this network has confirmed" in client.get("/answer/").content.decode()
    )
    client.post("/answer/", {**CONFIRM, "answer": "deny"})
    sweep()

    assert outcome(inquiry) == Inquiry.Outcome.CONTRADICTED
    assert queries.effective_level(inquiry.asked) == 0


def test_who_confirms_by_a_notice_sets_off_no_others(inquiry: Inquiry) -> None:
    answer(ABUSE, Answer.Kind.CONFIRM)
    sweep()
    answer("noc@hosting.example", Answer.Kind.CONFIRM)
    sweep()

    notices = Letter.objects.filter(kind="owner-notice").values_list("recipient", flat=True)
    assert sorted(notices) == ["admin@hosting.example", "noc@hosting.example"]


def test_silence_on_a_notice_changes_nothing(inquiry: Inquiry) -> None:
    answer(ABUSE, Answer.Kind.CONFIRM)
    sweep()
    Request.objects.open().update(expires_at=timezone.now())
    n_letters = Letter.objects.count()

    sweep()

    assert outcome(inquiry) == Inquiry.Outcome.CONFIRMED
    assert Letter.objects.count() == n_letters


@pytest.mark.parametrize(
    ("email", "level", "came_to"),
    [
        ("ops@mail.hosting.example", 2, Inquiry.Outcome.CONFIRMED),
        ("ops@elsewhere.example", 1, ""),
    ],
)
def test_a_colleague_confirms_as_much_as_their_house(
    inquiry: Inquiry, email: str, level: int, came_to: str
) -> None:
    answer(ABUSE, Answer.Kind.FORWARD, forward_to=email)
    sweep()
    assert asked(inquiry) == [ABUSE, email]

    answer(email, Answer.Kind.CONFIRM)
    sweep()

    proof = Proof.objects.get()
    assert (proof.level, proof.method) == (level, "forwarded_mail")
    assert ABUSE in proof.provenance
    assert outcome(inquiry) == came_to
    assert asked(inquiry)[2:] == ([] if came_to else ["admin@hosting.example"])


def test_a_question_is_passed_on_twice_and_no_more(inquiry: Inquiry) -> None:
    answer(ABUSE, Answer.Kind.FORWARD, forward_to="one@hosting.example")
    sweep()
    answer("one@hosting.example", Answer.Kind.FORWARD, forward_to="two@hosting.example")
    sweep()

    with pytest.raises(actions.NotForwardable):
        answer("two@hosting.example", Answer.Kind.FORWARD, forward_to="three@hosting.example")


def test_stop_means_no_letter_about_anything(owner: Client, inquiry: Inquiry) -> None:
    other = make_inquiry("2001:db8:100::25")  # of the same house, by the same contact
    sweep()

    owner.post("/answer/stop/")
    sweep()

    assert Contact.objects.get(email=ABUSE).stopped_at
    assert "We do not write to" in owner.get("/answer/").content.decode()
    assert asked(inquiry) == [ABUSE, "admin@hosting.example"]
    assert asked(other)[-1] == "noc@hosting.example"
    last = make_inquiry("192.0.2.77")
    sweep()
    assert ABUSE not in asked(last)


def test_a_late_answer_still_helps(registry: FakeRegistry, inquiry: Inquiry) -> None:
    Inquiry.objects.update(outcome=Inquiry.Outcome.UNKNOWN, due_at=None)

    answer(ABUSE, Answer.Kind.CONFIRM)
    sweep()

    assert outcome(inquiry) == Inquiry.Outcome.CONFIRMED


def test_an_agent_can_revoke_a_proof_with_a_reason(inquiry: Inquiry) -> None:
    answer(ABUSE, Answer.Kind.CONFIRM)
    sweep()
    proof, agent = Proof.objects.get(), Actor(Role.AGENT, make_user(), level=2)

    with pytest.raises(Refused, match="Say why"):
        actions.revoke_proof(proof, agent, " ")
    actions.revoke_proof(proof, agent, "The record was taken over.")

    assert queries.effective_level(inquiry.asked) == 0
    proof.refresh_from_db()
    assert proof.revoked_by == agent.user
