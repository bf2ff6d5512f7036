"""Working at the abuse desk in tests: open a page, press its buttons, read what it says."""

from typing import Any

from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from abuse.admin.steps import seen_of
from abuse.models import Incident
from customers.models import User
from tests.tickets.desk import enter

DESK = "/desk/abuse"


def at(agent: User) -> Client:
    """The desk as the agent has it open, in English."""
    return enter(Client(), agent)


def page(desk: Client, path: str, **query: str) -> str:
    answer = desk.get(f"{DESK}/{path}", query)
    assert answer.status_code == 200, path
    return str(answer.content.decode())


def rows(desk: Client, path: str, **query: str) -> set[int]:
    """The keys of the rows that a list shows."""
    answer = desk.get(f"{DESK}/{path}", query)
    assert answer.status_code == 200, path
    return {row.pk for row in answer.context["cl"].result_list}


def n_queries(desk: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        page(desk, path)
    return len(asked)


def press(desk: Client, incident: Incident, event: str, note: str = "", **fields: str) -> Any:
    """Press a step's button on the page as it is now, or as ``fields`` say it was."""
    given = {
        "event": event, "note": note, "seen": seen_of(incident), "key": "form-1", **fields
    }  # fmt: skip
    return desk.post(f"{DESK}/incident/{incident.pk}/step/", given)


def act(desk: Client, path: str, action: str, *chosen: int, **fields: str) -> Any:
    """Do ``action`` on the ticked rows of a list."""
    given = {"action": action, "_selected_action": [str(pk) for pk in chosen], **fields}
    return desk.post(f"{DESK}/{path}", given)


def said(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]
