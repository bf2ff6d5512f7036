"""Mail for an agent, and what else nothing becomes of by itself: read, closed, opened again."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from abuse import jobs
from abuse.kinds import FOR_AGENTS, Filed
from abuse.models import Report
from customers.models import User
from tests.abuse.desk import DESK, act, at, page, rows, said
from tests.abuse.factories import make_report, take

pytestmark = pytest.mark.django_db
LIST = "report/"


@pytest.fixture
def desk(minji: User) -> Client:
    return at(minji)


@pytest.fixture
def letter() -> Report:
    """A mail from a person, as the sweep has filed it."""
    take(
        b"From: Pat <pat@far.example>\nSubject: =?utf-8?q?Who_reads_this=3F?=\n"
        b"Content-Type: text/plain; charset=utf-8\n\n"
        b"Your newsletter <b>never</b> stops. \xea\xb0\x90\xec\x82\xac\n"
    )
    jobs.sweep_reports()
    return Report.objects.get()


def press(desk: Client, report: Report, **fields: str) -> Report:
    desk.post(f"{DESK}/report/{report.pk}/closing/", fields)
    return Report.objects.get(pk=report.pk)


def test_a_mail_for_an_agent_is_read_on_its_page(desk: Client, letter: Report) -> None:
    shown = page(desk, f"report/{letter.pk}/change/")

    assert letter.filed == Filed.PLAIN
    assert str(letter) == "Who reads this?"
    assert "Your newsletter &lt;b&gt;never&lt;/b&gt; stops. 감사" in shown
    assert "<b>never</b>" not in shown
    assert "Nothing in it points to us" not in shown  # it complains of nothing


def test_the_words_of_a_report_are_never_kept_as_the_reported_message() -> None:
    take(
        b"From: <pat@far.example>\nSubject: Report\nMIME-Version: 1.0\n"
        b"Content-Type: multipart/report; report-type=feedback-report; boundary=cut\n\n"
        b"--cut\n\nPat Secret wrote this.\n--cut\nContent-Type: message/feedback-report\n\n"
        b"Feedback-Type: abuse\nUser-Agent: x\nVersion: 1\nSource-IP: 192.0.2.10\n\n--cut--\n"
    )
    jobs.sweep_reports()
    report = Report.objects.get()
    assert report.format == "arf"
    assert (report.subject, report.evidence) == ("", "")


def test_what_waits_for_an_agent_is_a_list_of_its_own(desk: Client) -> None:
    made = {kind: make_report(filed=kind, strength="") for kind in Filed}

    assert rows(desk, LIST, left="open") == {made[kind].pk for kind in FOR_AGENTS}
    assert rows(desk, LIST, left="closed") == set()


def test_an_agent_closes_it_and_opens_it_again(desk: Client, minji: User, letter: Report) -> None:
    closed = press(desk, letter)

    assert closed.closed_at is not None
    assert f"Closed by {minji}" in page(desk, f"report/{letter.pk}/change/")
    assert rows(desk, LIST, left="open") == set()
    assert rows(desk, LIST, left="closed") == {letter.pk}

    assert press(desk, letter, again="1").closed_at is None
    assert rows(desk, LIST, left="open") == {letter.pk}
    done = [entry.change_message for entry in LogEntry.objects.order_by("pk")]
    assert done == ["closed", "open again"]


def test_who_closed_it_first_stays(desk: Client, minji: User, letter: Report) -> None:
    first = press(desk, letter)
    Report.objects.update(closed_by="Somebody else")

    again = press(desk, letter)

    assert (again.closed_at, again.closed_by) == (first.closed_at, "Somebody else")


def test_many_are_closed_at_once_and_a_counted_one_is_not(desk: Client) -> None:
    left = [make_report(filed=kind, strength="") for kind in sorted(FOR_AGENTS)]
    counted = make_report()

    answer = act(desk, LIST, "close", *(row.pk for row in [*left, counted]))

    assert any("3 rows: closed." in words for words in said(answer))
    assert any("Only what waits for an agent" in words for words in said(answer))
    assert Report.objects.filter(closed_at__isnull=False).count() == 3
    answer = act(desk, LIST, "open_again", left[0].pk)
    assert any("1 row: open again." in words for words in said(answer))


def test_looking_at_the_button_closes_nothing(desk: Client, letter: Report) -> None:
    assert desk.get(f"{DESK}/report/{letter.pk}/closing/").status_code == 302
    letter.refresh_from_db()
    assert letter.closed_at is None


def test_nobody_but_an_agent_closes_anything(client: Client, dana: User, letter: Report) -> None:
    client.force_login(dana)
    assert client.post(f"{DESK}/report/{letter.pk}/closing/", follow=True).status_code == 404
    letter.refresh_from_db()
    assert letter.closed_at is None
