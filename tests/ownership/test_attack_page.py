"""Attacks on the owner's page: one browser with several links, hostile words, forged addresses."""

import pytest
from django.core import mail
from django.test import Client

from ownership.lifecycle import OPEN
from ownership.models import Answer, Inquiry, Request, RequestLetter
from tests.ownership import factories
from tests.ownership.factories import make_inquiry, sweep

pytestmark = pytest.mark.django_db

DENY = {"answer": "not_mine", "name": "Robin Example", "acts_for": "on"}


@pytest.fixture
def letters(owner: Client, inquiry: Inquiry) -> list[RequestLetter]:
    """Two questions; the browser has opened the link to the first, then to the second."""
    make_inquiry("198.51.100.25")
    sweep()
    owner.get(f"/answer/{factories.token_in(mail.outbox[1])}/")
    return list(RequestLetter.objects.order_by("pk"))


def test_a_form_answers_only_the_question_that_it_showed(
    owner: Client, letters: list[RequestLetter]
) -> None:
    first, second = letters

    answer = owner.post("/answer/", {**DENY, "letter": first.pk}, follow=True)
    owner.post("/answer/stop/", {"letter": first.pk})

    assert "You have opened another link since" in answer.content.decode()
    assert not Answer.objects.exists()
    owner.post("/answer/", {**DENY, "letter": second.pk})
    assert Answer.objects.get().request == second.request


def test_the_page_names_the_letter_in_both_forms(owner: Client, inquiry: Inquiry) -> None:
    page = owner.get("/answer/").content.decode()

    assert page.count(f'name="letter" value="{RequestLetter.objects.get().pk}"') == 2


@pytest.mark.parametrize(
    "email",
    [
        "a@b.example\r\nBcc: victim@x.example", "a@b.example,victim@x.example", "<a@b.example>",
        '"a b"@b.example', "a@[127.0.0.1]", "-oX/tmp/x@b.example", "a@127.0.0.1", "\u0430@b",
    ],
)  # fmt: skip
def test_a_question_is_passed_on_to_one_plain_address_only(owner: Client, email: str) -> None:
    form = {**DENY, "answer": "forward", "forward_to": email}

    assert owner.post("/answer/", form).status_code == 200
    assert not Answer.objects.exists()
    assert Request.objects.filter(state__in=OPEN).exists()


def test_what_an_owner_writes_is_no_markup_and_no_placeholder(owner: Client) -> None:
    hostile = "%(email)s %s {{ link }} <script>alert(1)</script> [[link]]"

    owner.post("/answer/", {**factories.CONFIRM, "name": hostile, "note": hostile})
    page = owner.get("/answer/").content.decode()
    sweep()

    assert "<script>alert" not in page
    receipt = mail.outbox[-1]
    assert "/answer/" not in str(receipt.body)
