"""Working at the desk in tests: open a case's page, press its buttons."""

from typing import Any

from django.test import Client

from customers.models import User
from tickets.desk import steps
from tickets.models import Case


def enter(client: Client, agent: User) -> Client:
    """Sign the agent in, with pages in English."""
    User.objects.filter(pk=agent.pk).update(language="en")
    client.force_login(agent)
    client.cookies["django_language"] = "en"
    return client


def page(desk: Client, case: Case, query: str = "") -> str:
    response = desk.get(f"{case.get_absolute_url()}{query}")
    assert response.status_code == 200
    return str(response.content.decode())


def seen(case: Case) -> str:
    """What a form opened now says of the case."""
    case.refresh_from_db()
    return steps.seen_of(case)


def press(desk: Client, case: Case, event: str, note: str = "", **fields: str) -> Any:
    """Press a step's button on the page as it is now, or as ``fields`` say it was."""
    given = {"event": event, "note": note, "seen": seen(case), "key": "form-1", **fields}
    return desk.post(f"/desk/tickets/case/{case.pk}/step/", given)
