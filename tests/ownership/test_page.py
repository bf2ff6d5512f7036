"""What the owner's page shows, and what it takes."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from ownership import actions
from ownership.fake_registry import FakeRegistry
from ownership.lifecycle import State
from ownership.models import Answer, Inquiry, Request, RequestLetter
from tests.ownership import factories
from tests.ownership.factories import ABUSE, CONFIRM, make_inquiry, sweep

pytestmark = pytest.mark.django_db


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

    assert headers["Cache-Control"] == "private, no-store"
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
    client.get(f"/answer/{factories.token_in(mail.outbox[-1])}/")

    with django_assert_max_num_queries(8):  # type: ignore[operator]
        page = client.get("/answer/").content.decode()

    assert page.count('name="prefixes"') == 30


@pytest.mark.parametrize(
    "email", ["no address", ABUSE, "x@mail.example", "a@b\r\nBcc: c@d.example"]
)
def test_the_page_says_why_a_question_cannot_be_passed_on(owner: Client, email: str) -> None:
    response = owner.post("/answer/", {**CONFIRM, "answer": "forward", "forward_to": email})

    assert response.status_code == 200
    assert "Not done yet" in response.content.decode()
    assert not Answer.objects.exists()
