"""What the owner's page shows and takes, and what an answer comes to."""

from datetime import timedelta

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
from ownership.lifecycle import State
from ownership.models import Answer, Contact, Inquiry, Proof, Request, RequestLetter
from tests.factories import make_user
from tests.ownership import factories
from tests.ownership.factories import answer, asked, make_inquiry, outcome, sweep

pytestmark = pytest.mark.django_db
ABUSE = "abuse@hosting.example"
CONFIRM = {
    "answer": "confirm", "prefixes": ["192.0.2.25/32"], "name": "Robin Example", "acts_for": "on",
}  # fmt: skip


@pytest.fixture
def inquiry(registry: FakeRegistry) -> Inquiry:
    """Asked about: 192.0.2.25, by a letter to the abuse desk of hosting.example."""
    inquiry = make_inquiry()
    sweep()
    return inquiry


@pytest.fixture
def owner(inquiry: Inquiry, client: Client) -> Client:
    """The abuse desk's browser, after a click on the link in the letter."""
    client.get(f"/answer/{factories.token_in(mail.outbox[0])}/")
    return client


# -- The page ----------------------------------------------------------------------------


def test_the_link_leads_to_a_page_without_the_token(inquiry: Inquiry, client: Client) -> None:
    token = factories.token_in(mail.outbox[0])

    response = client.get(f"/answer/{token}/")

    assert (response.status_code, response.headers["Location"]) == (302, "/answer/")
    assert response.headers["Referrer-Policy"] == "no-referrer"
    page = client.get("/answer/")
    assert page.status_code == 200
    assert token not in page.content.decode()


def test_the_page_is_kept_by_nobody(owner: Client) -> None:
    headers = owner.get("/answer/").headers

    assert headers["Cache-Control"] == "no-store"
    assert "noindex" in headers["X-Robots-Tag"]
    # With no-referrer browsers send "Origin: null", and the CSRF check would refuse the answer.
    assert headers["Referrer-Policy"] == "same-origin"


def test_the_page_shows_the_evidence_and_chooses_nothing(owner: Client) -> None:
    page = owner.get("/answer/").content.decode()

    assert "192.0.2.25" in page
    assert ABUSE in page
    assert "214" in page
    assert "unwanted mail came from it" in page
    assert " checked" not in page


def test_opening_the_page_changes_nothing(owner: Client, inquiry: Inquiry) -> None:
    token = factories.token_in(mail.outbox[0])

    for path in (f"/answer/{token}/", "/answer/"):
        owner.get(path)
        owner.head(path)
    sweep()

    assert Request.objects.get().state == State.SENT
    assert not Answer.objects.exists()
    assert owner.get("/answer/stop/").status_code == 405


def test_the_page_needs_the_csrf_token(inquiry: Inquiry) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.get(f"/answer/{factories.token_in(mail.outbox[0])}/")

    assert browser.post("/answer/", CONFIRM).status_code == 403
    assert not Answer.objects.exists()


@pytest.mark.parametrize("missing", ["answer", "name", "acts_for", "prefixes"])
def test_an_answer_is_whole_or_none(owner: Client, missing: str) -> None:
    form = {name: value for name, value in CONFIRM.items() if name != missing}

    response = owner.post("/answer/", form)

    assert response.status_code == 200
    assert "Not done yet" in response.content.decode()
    assert not Answer.objects.exists()


def test_an_answer_cannot_be_for_what_nobody_asked(owner: Client) -> None:
    owner.post("/answer/", {**CONFIRM, "prefixes": ["192.0.2.99/32"]})

    assert not Answer.objects.exists()


def test_an_answer_is_followed_by_its_receipt(owner: Client, inquiry: Inquiry) -> None:
    response = owner.post("/answer/", CONFIRM)
    assert response.headers["Location"] == "/answer/"

    assert "We ask the registry once more" in owner.get("/answer/").content.decode()
    sweep()

    assert "your word counts" in owner.get("/answer/").content.decode()
    receipt = [message for message in mail.outbox if message.to == [ABUSE]][1]
    assert "your word counts" in str(receipt.body).replace("\n", " ")


def test_a_second_answer_is_not_taken(owner: Client) -> None:
    owner.post("/answer/", CONFIRM)

    owner.post("/answer/", {**CONFIRM, "answer": "deny"})

    assert Answer.objects.get().kind == Answer.Kind.CONFIRM


@pytest.mark.parametrize("token", ["x" * 43, "short", "A-_" * 14 + "b"])
def test_a_link_that_never_was_says_so_kindly(client: Client, token: str) -> None:
    response = client.get(f"/answer/{token}/")

    assert response.status_code == 404
    assert "Open it again from our letter" in response.content.decode()


def test_without_a_link_there_is_no_page(client: Client) -> None:
    assert client.get("/answer/").status_code == 404
    assert client.post("/answer/", CONFIRM).status_code == 404
    assert client.post("/answer/stop/").status_code == 404


def test_an_older_link_says_that_there_is_a_newer_one(owner: Client) -> None:
    RequestLetter.objects.update(superseded_at=timezone.now())

    assert "There is a newer link" in owner.get("/answer/").content.decode()
    owner.post("/answer/", CONFIRM)
    assert not Answer.objects.exists()


def test_a_link_ends_after_two_weeks(owner: Client) -> None:
    letter = RequestLetter.objects.get()
    assert letter.expires_at - letter.written_at == timedelta(days=14)
    RequestLetter.objects.update(expires_at=timezone.now())

    assert "This question has ended" in owner.get("/answer/").content.decode()
    owner.post("/answer/", CONFIRM)
    assert not Answer.objects.exists()


def test_a_question_that_was_closed_says_so(owner: Client, inquiry: Inquiry) -> None:
    actions.close_inquiry(inquiry)

    assert "no longer need an answer" in owner.get("/answer/").content.decode()


def test_the_page_speaks_korean(owner: Client) -> None:
    page = owner.get("/answer/", headers={"accept-language": "ko"}).content.decode()

    assert '<html lang="ko">' in page


def test_nobody_learns_who_asked(registry: FakeRegistry, client: Client) -> None:
    make_inquiry(tenant_domains=["customer.example"])
    sweep()
    client.get(f"/answer/{factories.token_in(mail.outbox[0])}/")

    assert "customer.example" not in client.get("/answer/").content.decode()
    assert "customer.example" not in str(mail.outbox[0].body)


def test_the_page_takes_a_constant_number_of_queries(
    registry: FakeRegistry, client: Client, django_assert_max_num_queries: object
) -> None:
    for number in range(1, 31):
        make_inquiry(f"192.0.2.{number}")
    for _ in range(3):
        sweep()
    client.get(f"/answer/{factories.token_in(mail.outbox[0])}/")

    with django_assert_max_num_queries(8):  # type: ignore[operator]
        page = client.get("/answer/").content.decode()

    assert page.count('name="prefixes"') == 30


# -- What it comes to ---------------------------------------------------------------------


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


@pytest.mark.parametrize(
    "email", ["no address", ABUSE, "x@mail.example", "a@b\r\nBcc: c@d.example"]
)
def test_the_page_says_why_a_question_cannot_be_passed_on(owner: Client, email: str) -> None:
    response = owner.post("/answer/", {**CONFIRM, "answer": "forward", "forward_to": email})

    assert response.status_code == 200
    assert "Not done yet" in response.content.decode()
    assert not Answer.objects.exists()


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
