"""The API: the pages' acts for programs."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from customers.models import Tenant, User
from escalation.actors import DESK
from tests.tickets.factories import admin_of, fresh_address, make_listing, make_ticket
from tickets import talking
from tickets.lifecycle import Event, Party, State
from tickets.models import Case, Ticket

pytestmark = pytest.mark.django_db
LIST = "/api/v1/tickets/"


@pytest.fixture
def api(client: Client, dana: User) -> Client:
    client.force_login(dana)
    return client


def wish(**fields: Any) -> dict[str, Any]:
    address = fresh_address()
    make_listing(address)
    return {
        "prefix": address,
        "recipient": "dana@clinic.example",
        "sender_email": "accounts@bank.example",
        **fields,
    }


def post(api: Client, path: str, body: dict[str, Any], **headers: str) -> Any:
    return api.post(path, body, content_type="application/json", headers=headers)


def test_a_ticket_is_opened_and_read_back(api: Client) -> None:
    asked = wish(external_reference="INC-7")

    answer = post(api, LIST, asked)

    assert answer.status_code == 201
    opened = api.get(answer["Location"]).json()
    assert opened["prefix"].startswith(asked["prefix"])
    assert opened["state"] == State.GATHERING
    assert opened["external_reference"] == "INC-7"


def test_the_bounce_fills_in_what_the_program_leaves_out(api: Client) -> None:
    make_listing("198.51.100.25")
    bounce = (
        "<dana@clinic.example>: host mx1.mail.example[192.0.2.1] said: 550 5.7.606 Access denied, "
        "banned sending IP [198.51.100.25] (in reply to RCPT TO command)"
    )

    answer = post(api, LIST, {"bounce": bounce, "sender_email": "accounts@bank.example",
                              "recipient": "dana@clinic.example"})  # fmt: skip

    assert answer.status_code == 201, answer.json()
    assert answer.json()["address"] == "198.51.100.25"


def test_a_second_post_with_the_same_key_gives_the_same_ticket(api: Client) -> None:
    asked = wish()

    first = post(api, LIST, asked, **{"Idempotency-Key": "k1"})
    again = post(api, LIST, asked, **{"Idempotency-Key": "k1"})

    assert first.json()["number"] == again.json()["number"]
    assert Ticket.objects.count() == 1


def test_a_refusal_is_a_problem_document_that_says_what_would_succeed(api: Client) -> None:
    opened = post(api, LIST, asked := wish()).json()

    answer = post(api, LIST, asked)

    assert answer.status_code == 409
    assert answer["Content-Type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem["type"] == "urn:postern:problem:ticket-already-open"
    assert problem["link"] == f"/tickets/{opened['number']}/"
    assert set(problem) >= {"type", "title", "status", "detail"}


@pytest.mark.parametrize(
    "body", ["[]", "{", '{"prefix": 7, "recipient": []}', '{"bounce": 1}', "null", '"x"']
)
def test_bad_input_is_a_problem_document_too(api: Client, body: str) -> None:
    answer = api.post(LIST, body, content_type="application/json")

    assert 400 <= answer.status_code < 500
    assert answer["Content-Type"].startswith("application/problem+json")


def test_the_list_is_paged_by_key_and_filtered(api: Client, clinic: Tenant) -> None:
    tickets = [make_ticket(clinic) for _ in range(5)]

    first = api.get(LIST, {"limit": 3}).json()
    second = api.get(first["next"]).json()

    numbers = [row["number"] for row in first["results"] + second["results"]]
    assert numbers == [ticket.pk for ticket in reversed(tickets)]
    assert second["next"] is None
    one = api.get(LIST, {"address": tickets[2].shown_prefix}).json()["results"]
    assert [row["number"] for row in one] == [tickets[2].pk]


def test_no_endpoint_asks_more_of_the_database_for_30_rows_than_for_one(
    api: Client, clinic: Tenant
) -> None:
    ticket = make_ticket(clinic, note="Please look.")
    talk = ticket.conversations.get(party=Party.CUSTOMER)
    base = f"{LIST}{ticket.pk}/"
    paths = [f"{LIST}?limit=50", base, f"{base}history/", f"{base}comments/"]
    api.get(LIST)

    few = [queries(api, path) for path in paths]
    for number in range(30):
        make_ticket(clinic)
        talking.post(talk, DESK, f"Message {number}")
        ticket.case.entries.create(event=Event.ESCALATE, source="x", target="x", role="desk")
    many = [queries(api, path) for path in paths]

    assert few == many
    assert len(api.get(paths[0]).json()["results"]) == 31


def queries(api: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert api.get(path).status_code == 200
    return len(asked)


def test_what_the_owner_answered_is_never_said(api: Client, clinic: Tenant) -> None:
    ticket = make_ticket(clinic, smtp_reply="550 5.7.606 banned sending IP")
    case = ticket.case
    for source, target, event in (
        (State.GATHERING, State.AWAITING_OWNER, Event.ASK_OWNER),
        (State.AWAITING_OWNER, State.OWNER_DENIED, Event.OWNER_DENIED),
    ):
        case.entries.create(event=event, source=source, target=target, role="desk")
    Case.objects.filter(pk=case.pk).update(**{"state": State.OWNER_DENIED})

    shown = api.get(f"{LIST}{ticket.pk}/").content + api.get(f"{LIST}{ticket.pk}/history/").content

    assert b"denied" not in shown.lower()
    assert b"says no" not in shown.lower()
    assert api.get(f"{LIST}{ticket.pk}/").json()["state"] == State.IN_REVIEW


def test_history_comments_escalate_and_withdraw(api: Client, clinic: Tenant) -> None:
    ticket = make_ticket(clinic)
    base = f"{LIST}{ticket.pk}/"

    said = post(api, f"{base}comments/", {"text": "Any news?"}, **{"Idempotency-Key": "c"})
    again = post(api, f"{base}comments/", {"text": "Any news?"}, **{"Idempotency-Key": "c"})
    risen = post(api, f"{base}escalate/", {"note": "Payroll."})
    gone = post(api, f"{base}withdraw/", {})

    assert said.status_code == 201
    assert said.json()["id"] == again.json()["id"]
    assert risen.json()["level"] == 1
    assert gone.json()["state"] == State.WITHDRAWN
    assert [row["text"] for row in api.get(f"{base}comments/").json()][-1] == "Any news?"
    events = [row["event"] for row in api.get(f"{base}history/").json()]
    assert events == [Event.OPENED, Event.ESCALATE, Event.WITHDRAW]
    assert post(api, f"{base}withdraw/", {}).status_code == 409


def test_a_member_may_not_open_escalate_or_withdraw(
    client: Client, erin: User, clinic: Tenant
) -> None:
    ticket = make_ticket(clinic)
    client.force_login(erin)

    assert post(client, LIST, wish()).status_code == 403
    assert post(client, f"{LIST}{ticket.pk}/escalate/", {"note": "x"}).status_code == 403
    assert post(client, f"{LIST}{ticket.pk}/withdraw/", {}).status_code == 403
    assert post(client, f"{LIST}{ticket.pk}/comments/", {"text": "x"}).status_code == 201


def test_the_schema_is_published_without_a_warning() -> None:
    out, err = StringIO(), StringIO()

    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out, stderr=err)

    assert "/api/v1/tickets/{id}/withdraw/" in out.getvalue()


def test_admins_of_two_tenants_see_their_own(api: Client, clinic: Tenant, school: Tenant) -> None:
    mine, theirs = make_ticket(clinic), make_ticket(school)
    assert admin_of(school).tenant_id == theirs.tenant_id

    assert [row["number"] for row in api.get(LIST).json()["results"]] == [mine.pk]
