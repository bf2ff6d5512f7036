"""Nobody learns that another tenant's ticket, case or file exists: every route is walked."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from customers.models import Tenant, User
from mailroom import tokens
from tests.tickets.factories import admin_of, make_ticket
from tickets import actions, emails, talking
from tickets.lifecycle import Party
from tickets.models import Attachment, Ticket

pytestmark = pytest.mark.django_db


def routes(patterns: "list[URLPattern | URLResolver]", before: str = "") -> Iterator[str]:
    for entry in patterns:
        path = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry.url_patterns, path)
        else:
            yield path


def ours() -> list[str]:
    """Every route of ours that names a row."""
    skipped = ("desk/", "account/", "static/")
    return [
        path
        for path in routes(get_resolver().url_patterns)
        if not path.startswith(skipped) and ("<" in path or "(?P" in path)
    ]


def filled(path: str, ticket: Ticket, file: Attachment) -> str:
    conversation = ticket.conversations.get(party=Party.SENDER)
    number = conversation.pk if path.startswith("case/of/") else ticket.pk
    words = {
        "<int:pk>": str(number), "<int:file>": str(file.pk), "<str:token>": "guessed",
        r"(?P<pk>\d{1,18})": str(number), "<str:name>": "1", "^": "", "$": "", r"\.": ".",
    }  # fmt: skip
    for mark, word in words.items():
        path = path.replace(mark, word)
    return f"/{path}"


@pytest.fixture
def ticket(clinic: Tenant) -> Ticket:
    return make_ticket(clinic)


@pytest.fixture
def file(ticket: Ticket) -> Attachment:
    conversation = ticket.conversations.get(party=Party.CUSTOMER)
    message = actions.say(
        conversation, admin_of(ticket.tenant), "See this.", files=(talking.File("a.txt", b"x"),)
    )
    return message.attachments.get()


def test_the_walk_finds_the_routes_that_matter() -> None:
    found = ours()

    assert "tickets/<int:pk>/" in found
    assert any(path.startswith("api/v1/") for path in found)
    assert any(path.startswith("case/of/") for path in found)


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_gets_the_same_404_everywhere(
    client: Client, charlie: User, ticket: Ticket, file: Attachment, method: str
) -> None:
    client.force_login(charlie)

    for path in ours():
        if path.startswith(("feeds/", "mailbox/")):
            continue  # no tenant's: the feed is public, the mailbox is the demo's
        answer = getattr(client, method)(filled(path, ticket, file))
        assert answer.status_code in {404, 405}, path


def without_token(answer: Any) -> str:
    """A page's text but for what differs at every visit anyway."""
    return re.sub(r'name="(csrfmiddlewaretoken|next)" value="[^"]*"', "", answer.content.decode())


def test_a_missing_and_a_hidden_ticket_look_the_same(
    client: Client, charlie: User, ticket: Ticket
) -> None:
    client.force_login(charlie)

    hidden = client.get(f"/tickets/{ticket.pk}/")
    missing = client.get("/tickets/999999999/")

    assert hidden.status_code == missing.status_code == 404
    assert without_token(hidden) == without_token(missing)
    api_hidden = client.get(f"/api/v1/tickets/{ticket.pk}/")
    api_missing = client.get("/api/v1/tickets/999999999/")
    assert api_hidden.json() == api_missing.json()


def test_nobody_without_a_session_sees_a_ticket(client: Client, ticket: Ticket) -> None:
    assert client.get(f"/tickets/{ticket.pk}/").status_code == 302
    assert client.get(f"/api/v1/tickets/{ticket.pk}/").status_code == 401


def test_an_agent_is_no_customer_and_has_no_customers_page(
    client: Client, minji: User, ticket: Ticket
) -> None:
    client.force_login(minji)

    assert client.get(f"/tickets/{ticket.pk}/").status_code == 404


def test_customers_do_not_reach_the_desk(client: Client, dana: User, ticket: Ticket) -> None:
    client.force_login(dana)

    for path in ("/desk/", "/desk/tickets/case/", f"/desk/tickets/case/{ticket.case_id}/change/"):
        assert client.get(path).status_code in {302, 403, 404}, path


def test_a_member_may_read_and_write_but_not_open(
    client: Client, erin: User, ticket: Ticket
) -> None:
    client.force_login(erin)

    assert client.get(f"/tickets/{ticket.pk}/").status_code == 200
    assert client.get("/tickets/new/").status_code == 403


def test_a_files_owner_gets_it_only_as_a_download(
    client: Client, dana: User, ticket: Ticket, file: Attachment
) -> None:
    client.force_login(dana)

    answer = client.get(f"/tickets/{ticket.pk}/files/{file.pk}/")

    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment;")
    assert "sandbox" in answer["Content-Security-Policy"]


def test_the_sender_sees_no_word_of_the_customers_conversation(
    client: Client, ticket: Ticket, file: Attachment
) -> None:
    sender = ticket.conversations.get(party=Party.SENDER)
    token = tokens.token(emails.link_key(sender))

    entered = client.get(f"/case/{token}/", follow=True)

    assert entered.status_code == 200
    assert token not in entered.request["PATH_INFO"]
    assert "See this." not in entered.content.decode()
    assert client.get(f"/case/of/{sender.pk}/files/{file.pk}/").status_code == 404


def test_a_guessed_or_expired_link_opens_nothing(client: Client, ticket: Ticket) -> None:
    assert client.get("/case/guessed/").status_code == 404
    assert client.get(f"/case/of/{ticket.conversations.first().pk}/").status_code == 404
