"""The tenant's and the sender's pages, through the client, without a script."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from customers.models import Tenant, User
from escalation.actors import DESK
from mailroom import tokens
from tests.tickets.factories import agent, make_case, make_listing, make_ticket
from tickets import actions, emails, jobs, talking
from tickets.lifecycle import Event, Party, State
from tickets.models import Attestation, Ticket

pytestmark = pytest.mark.django_db
BOUNCE = Path(__file__).parents[2] / "docs/try/bounce.eml"


@pytest.fixture
def page(client: Client, dana: User) -> Client:
    client.force_login(dana)
    return client


@pytest.fixture
def sender(client: Client, clinic: Tenant) -> tuple[Client, Ticket, str]:
    """A browser that has opened the sender's link."""
    ticket = make_ticket(clinic)
    conversation = ticket.conversations.get(party=Party.SENDER)
    client.get(f"/case/{tokens.token(emails.link_key(conversation))}/")
    return client, ticket, f"/case/of/{conversation.pk}/"


def test_a_pasted_bounce_fills_in_the_form(page: Client) -> None:
    answer = page.post("/tickets/new/", {"read": "1", "read-bounce": BOUNCE.read_text()})

    form = answer.context["form"]
    assert form["prefix"].value() == "198.51.100.25"
    assert form["recipient"].value() == "dana@clinic.example"
    assert form["sender_email"].value() == "accounts@bank.example"
    assert "5.7.606" in form["smtp_reply"].value()


def test_an_uploaded_bounce_becomes_a_ticket_with_the_bounce_attached(page: Client) -> None:
    make_listing("198.51.100.25")
    upload = SimpleUploadedFile("bounce.eml", BOUNCE.read_bytes())
    form = page.post("/tickets/new/", {"read": "1", "read-file": upload}).context["form"]

    filled = {name: form[name].value() or "" for name in form.fields}
    answer = page.post("/tickets/new/", filled, follow=True)

    ticket = Ticket.objects.get()
    assert answer.redirect_chain == [(f"/tickets/{ticket.pk}/", 302)]
    file = ticket.conversations.get(party=Party.CUSTOMER).messages.get().attachments.get()
    assert (file.name, bytes(file.content)) == ("bounce.eml", BOUNCE.read_bytes())


def test_a_double_click_opens_one_ticket(page: Client) -> None:
    make_listing("198.51.100.25")
    form = page.post("/tickets/new/", {"read": "1", "read-bounce": BOUNCE.read_text()}).context[
        "form"
    ]
    filled = {name: form[name].value() or "" for name in form.fields}

    first, second = (page.post("/tickets/new/", filled) for _ in range(2))

    assert first["Location"] == second["Location"]
    assert Ticket.objects.count() == 1


@pytest.mark.parametrize(
    ("upload", "words"),
    [
        (SimpleUploadedFile("b.msg", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1..."), "Save as"),
        (SimpleUploadedFile("big.eml", b"x" * (5 * 1024 * 1024 + 1)), "5 MiB are the most"),
        (SimpleUploadedFile("empty.eml", b""), "empty"),
    ],
)
def test_a_file_that_we_cannot_take_is_refused_in_words(
    page: Client, upload: SimpleUploadedFile, words: str
) -> None:
    answer = page.post("/tickets/new/", {"read": "1", "read-file": upload})

    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_a_refusal_stands_at_its_field_and_what_was_typed_stays(page: Client) -> None:
    given = {
        "prefix": "10.0.0.1", "recipient": "dana@clinic.example", "sender_email": "a@bank.example",
        "sender_language": "en", "key": "k", "note": "Please look.",
    }  # fmt: skip

    answer = page.post("/tickets/new/", given)

    assert answer.status_code == 422
    assert "prefix" in answer.context["form"].errors
    assert "Please look." in answer.content.decode()


@pytest.mark.parametrize("n", [1, 30])
def test_the_list_takes_the_same_queries_for_one_and_for_many(
    page: Client, clinic: Tenant, n: int, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for _ in range(n):
        make_ticket(clinic)

    with django_assert_max_num_queries(7):
        answer = page.get("/tickets/")

    assert len(answer.context["rows"]) == min(n, 25)


@pytest.mark.parametrize("n", [1, 30])
def test_a_tickets_page_takes_the_same_queries_however_much_was_said(
    page: Client, clinic: Tenant, n: int, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    ticket = make_ticket(clinic)
    talk = ticket.conversations.get(party=Party.CUSTOMER)
    for number in range(n):
        talking.post(talk, DESK, f"Message {number}", files=(talking.File("a.txt", b"a"),))

    with django_assert_max_num_queries(18):
        assert page.get(f"/tickets/{ticket.pk}/").status_code == 200


@pytest.mark.parametrize("n", [1, 30])
def test_the_senders_page_takes_the_same_queries_however_much_was_said(
    sender: tuple[Client, Ticket, str], n: int, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    client, ticket, base = sender
    talk = ticket.conversations.get(party=Party.SENDER)
    for number in range(n):
        talking.post(talk, DESK, f"Message {number}", files=(talking.File("a.txt", b"a"),))

    with django_assert_max_num_queries(12):
        assert client.get(base).status_code == 200


def test_a_long_conversation_shows_its_latest_part_first(page: Client, clinic: Tenant) -> None:
    ticket = make_ticket(clinic)
    talk = ticket.conversations.get(party=Party.CUSTOMER)
    for number in range(60):
        talking.post(talk, DESK, f"Message {number}.")
    path = f"/tickets/{ticket.pk}/"

    first, whole = page.get(path).content.decode(), page.get(f"{path}?all=1").content.decode()

    assert "Message 59." in first
    assert "Message 0." not in first
    assert "Show the earlier messages" in first
    assert "Message 0." in whole


def test_the_page_shows_where_the_ticket_stands_and_whose_turn_it_is(
    page: Client, clinic: Tenant
) -> None:
    case = make_ticket(clinic).case
    jobs.sweep_cases()

    text = page.get(f"/tickets/{case.tickets.get().pk}/").content.decode()

    assert "Waiting for the owner of the address space" in text
    assert "We do not show who they are" in text


def test_a_customer_withdraws_and_opens_again(page: Client, clinic: Tenant) -> None:
    ticket = make_ticket(clinic)
    step = f"/tickets/{ticket.pk}/step/"

    page.post(step, {"event": "withdraw", "key": "a"})
    ticket.refresh_from_db()
    assert ticket.ended_at is not None
    page.post(step, {"event": "reopen", "key": "b"})

    ticket.refresh_from_db()
    assert ticket.ended_at is None


def test_a_step_that_is_not_the_customers_is_refused(page: Client, clinic: Tenant) -> None:
    case = make_case(tenant=clinic)

    page.post(f"/tickets/{case.tickets.get().pk}/step/", {"event": "approve", "key": "a"})

    case.refresh_from_db()
    assert case.state == State.IN_REVIEW


def test_get_changes_nothing(page: Client, clinic: Tenant) -> None:
    ticket = make_ticket(clinic)

    for path in ("say/", "step/"):
        answer = page.get(f"/tickets/{ticket.pk}/{path}?event=withdraw&text=x")
        assert (answer.status_code, answer["Location"]) == (302, f"/tickets/{ticket.pk}/")
    ticket.refresh_from_db()
    assert ticket.ended_at is None
    assert not ticket.conversations.get(party=Party.CUSTOMER).messages.exists()


def test_the_sender_attests_once_with_all_three_boxes(sender: tuple[Client, Ticket, str]) -> None:
    client, ticket, base = sender
    words = {"what_was_wrong": "A mailbox was taken over.", "what_changed": "Its password is new."}

    partly = client.post(f"{base}attest/", {**words, "runs_server": "on"})
    assert partly.status_code == 422
    assert not Attestation.objects.exists()

    boxes = dict.fromkeys(("runs_server", "found_cause", "has_stopped"), "on")
    client.post(f"{base}attest/", {**words, **boxes})
    client.post(f"{base}attest/", {**words, **boxes, "what_changed": "Something else entirely."})
    assert ticket.attestation.what_changed == "Its password is new."


def test_the_sender_writes_and_the_customer_does_not_see_it(
    sender: tuple[Client, Ticket, str], dana: User
) -> None:
    client, ticket, base = sender

    client.post(f"{base}say/", {"text": "We found the cause.", "key": "k"})

    assert "We found the cause." in client.get(base).content.decode()
    client.force_login(dana)
    assert "We found the cause." not in client.get(f"/tickets/{ticket.pk}/").content.decode()


def test_a_link_that_has_expired_opens_nothing(sender: tuple[Client, Ticket, str]) -> None:
    client, ticket, base = sender
    ticket.conversations.filter(party=Party.SENDER).update(token_expires_at="2020-01-01T00:00Z")

    assert client.get(base).status_code == 404


def test_the_senders_page_is_kept_by_nobody(sender: tuple[Client, Ticket, str]) -> None:
    client, _ticket, base = sender

    answer = client.get(base)

    assert answer["Referrer-Policy"] == "same-origin"
    assert "no-store" in answer["Cache-Control"]
    assert answer["X-Robots-Tag"] == "noindex"


def test_over_a_bound_a_message_is_refused_in_words(page: Client, clinic: Tenant) -> None:
    ticket = make_ticket(clinic)
    say = f"/tickets/{ticket.pk}/say/"

    assert page.post(say, {"text": "x" * 20_001, "key": "a"}).status_code == 422
    assert page.post(say, {"text": "  ", "key": "b"}).status_code == 422
    for number in range(talking.MOST_MESSAGES):
        page.post(say, {"text": "Hello.", "key": f"c{number}"})
    answer = page.post(say, {"text": "One more.", "key": "d"})
    assert "50 messages a day" in answer.content.decode()


def test_a_refused_case_is_appealed_by_the_sender(
    sender: tuple[Client, Ticket, str], minji: User
) -> None:
    client, ticket, base = sender
    case = ticket.case
    actions.take_step(case, Event.OWNER_UNKNOWN, DESK)
    actions.take_step(case, Event.REFUSE, agent(minji), note="Nobody speaks for it.")

    client.post(f"{base}appeal/", {"event": "appeal", "key": "k", "note": "The owner has written."})

    case.refresh_from_db()
    assert case.state == State.IN_REVIEW


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_page_reads_in_both_languages(page: Client, clinic: Tenant, language: str) -> None:
    ticket = make_ticket(clinic)

    for path in ("/", "/tickets/", "/tickets/new/", f"/tickets/{ticket.pk}/"):
        answer = page.get(path, headers={"Accept-Language": language})
        assert answer.status_code == 200
        assert f'lang="{language}"' in answer.content.decode()
