"""The desk's frame: its places, the language, the health page, the rest of the admin."""

import pytest
from django.test import Client

from customers.models import User
from escalation import health

pytestmark = pytest.mark.django_db
PLACES = ["/desk/tickets/case/", "/desk/health/", "/desk/more/"]


@pytest.mark.parametrize("path", PLACES)
def test_every_place_of_the_desk_is_in_its_header(desk: Client, minji: User, path: str) -> None:
    shown = desk.get(path).content.decode()

    assert all(f'href="{place}"' in shown for place in PLACES)
    assert f'href="{path}" aria-current="page"' in shown
    assert str(minji) in shown
    assert "level 1" in shown
    assert 'action="/language/"' in shown
    assert 'id="logout-form"' in shown


def test_no_place_of_the_desk_loads_the_admins_theme_script(desk: Client) -> None:
    for path in (*PLACES, "/desk/tickets/ladderrule/"):
        shown = desk.get(path).content.decode()
        assert "theme.js" not in shown
        assert "dark_mode.css" not in shown


def test_the_health_page_says_what_each_check_says(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(health.JOBS, "made_up", lambda: "The made-up thing is broken.")

    response = desk.get("/desk/health/")

    assert "The made-up thing is broken." in response.content.decode()
    assert "Something is wrong." in response.content.decode()
    assert response.context["worst"] == "trouble"


def test_a_caution_does_not_make_the_service_unwell(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "JOBS", {"made_up": lambda: health.Caution("Look at this.")})
    monkeypatch.setattr(health, "SERVICE", {"fine": lambda: ""})
    monkeypatch.setattr(health, "service_checks", lambda: [("fine", lambda: "")])

    response = desk.get("/desk/health/")

    assert response.context["worst"] == "caution"
    assert "Look at this." in response.content.decode()


def test_the_other_tables_are_behind_more(desk: Client) -> None:
    assert "Escalation rules" in desk.get("/desk/more/").content.decode()


@pytest.mark.parametrize("path", PLACES[1:])
def test_a_customer_learns_nothing_of_the_places(client: Client, dana: User, path: str) -> None:
    client.force_login(dana)

    assert client.get(path, follow=True).status_code == 404
