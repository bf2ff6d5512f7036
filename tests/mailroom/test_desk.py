"""Letters at the agents' desk: read, found, sent again, and nothing else."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from mailroom.models import Letter
from tests.factories import make_user
from tests.mailroom.factories import make_letter, read_again

pytestmark = pytest.mark.django_db

LIST = "/desk/mailroom/letter/"


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(make_user(is_staff=True, level=1))
    return client


def detail(letter: Letter) -> str:
    return reverse("admin:mailroom_letter_change", args=[letter.pk])


def test_the_list_asks_as_much_for_thirty_letters_as_for_one(desk: Client) -> None:
    make_letter()
    desk.get(LIST)
    with CaptureQueriesContext(
        connection,
    ) as for_one:
        assert desk.get(LIST).status_code == 200
    for _ in range(29):
        make_letter()

    with CaptureQueriesContext(connection) as for_thirty:
        response = desk.get(LIST)

    assert response.content.decode().count('class="field-recipient"') == 30
    assert len(for_thirty) == len(for_one)


def test_no_query_counts_the_whole_table(desk: Client) -> None:
    make_letter()

    with CaptureQueriesContext(connection) as queries:
        desk.get(LIST)

    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert counts
    assert all("LIMIT 1001" in sql for sql in counts)


def test_letters_are_found_by_the_beginning_of_the_recipient(desk: Client) -> None:
    make_letter("abuse@hosting.example")
    make_letter("noc@hosting.example")

    found = desk.get(LIST, {"q": "abuse@h"}).content.decode()
    none = desk.get(LIST, {"q": "hosting"}).content.decode()

    assert "abuse@hosting.example" in found
    assert "noc@hosting.example" not in found
    assert "hosting.example" not in none.replace('value="hosting"', "")


def test_letters_that_want_a_look_are_a_list_of_their_own(desk: Client) -> None:
    letters = {name: make_letter(f"{name}@x.example") for name in ("waiting", "refused", "parked")}
    Letter.objects.filter(pk=letters["refused"].pk).update(refused_at=timezone.now(), due_at=None)
    Letter.objects.filter(pk=letters["parked"].pk).update(parked_at=timezone.now())

    for name in letters:
        shown = desk.get(LIST, {"is": name}).content.decode()
        assert set(re.findall(r"(\w+)@x\.example", shown)) == {name}


def test_a_letter_can_be_read_and_not_changed(desk: Client) -> None:
    letter = make_letter(text="The words of it.")

    shown = desk.get(detail(letter))

    assert "The words of it." in shown.content.decode()
    assert 'name="_save"' not in shown.content.decode()
    assert desk.post(detail(letter), {"subject": "Mine"}).status_code == 403
    assert desk.get(f"{LIST}add/").status_code == 403
    assert desk.post(f"{LIST}{letter.pk}/delete/", {"post": "yes"}).status_code == 403
    assert read_again(letter).subject == "About your address"


def test_an_agent_sends_a_letter_again_and_hears_why_another_is_not(desk: Client) -> None:
    parked, accepted = make_letter("parked@x.example"), make_letter("accepted@x.example")
    Letter.objects.filter(pk=parked.pk).update(parked_at=timezone.now(), attempts=22)
    Letter.objects.filter(pk=accepted.pk).update(accepted_at=timezone.now(), due_at=None)

    response = desk.post(
        LIST,
        {"action": "send_again", "_selected_action": [parked.pk, accepted.pk]},
        follow=True,
    )

    said = response.content.decode()
    assert "1 letter is sent again." in said
    assert "accepted@x.example: The mail server has accepted this letter" in said
    again = read_again(parked)
    assert (again.status, again.attempts) == ("queued", 0)
    assert LogEntry.objects.get().object_id == str(parked.pk)
    assert read_again(accepted).due_at is None


def test_who_is_no_agent_does_not_see_letters(client: Client) -> None:
    letter = make_letter()
    client.force_login(make_user())

    for path in (LIST, detail(letter)):
        assert client.get(path, follow=True).status_code == 404
