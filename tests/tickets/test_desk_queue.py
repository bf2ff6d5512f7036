"""The agents' queue: views, order, pages, search, and what it costs."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from customers.models import Tenant, User
from escalation.actors import DESK
from tests.tickets.factories import agent, make_case, make_ticket
from tickets import actions
from tickets.desk import finding, queue
from tickets.lifecycle import Event, State
from tickets.models import Case

pytestmark = pytest.mark.django_db
QUEUE = "/desk/tickets/case/"


def shown(response: Any) -> list[int]:
    return [row["case"].pk for row in response.context["rows"]]


def test_the_desk_opens_on_its_queue(desk: Client) -> None:
    response = desk.get("/desk/")

    assert response.status_code == 302
    assert response["Location"] == QUEUE == reverse("admin:tickets_case_changelist")


def test_an_open_case_is_a_row_with_all_that_decides_its_order(desk: Client) -> None:
    case = make_case(sender_email="postmaster@bank.example")

    page = desk.get(QUEUE).content.decode()

    assert case.shown_prefix in page
    assert f"#{case.pk}" in page
    assert "bank.example" in page
    assert "In review" in page
    assert "Level 0" in page
    assert "nobody" in page


def test_the_queue_takes_as_many_queries_for_30_rows_as_for_1(desk: Client) -> None:
    make_case()
    with CaptureQueriesContext(
        connection,
    ) as one:
        desk.get(QUEUE)
    for _number in range(29):
        make_case()
    with CaptureQueriesContext(connection) as thirty:
        response = desk.get(QUEUE)

    assert len(thirty) == len(one)
    assert len(shown(response)) == queue.SIZE


def test_no_query_of_the_queue_counts_the_whole_table(desk: Client) -> None:
    make_case()

    with CaptureQueriesContext(connection) as queries:
        desk.get(QUEUE)

    counting = [query["sql"] for query in queries if "COUNT(*)" in query["sql"]]
    assert len(counting) == len(queue.VIEWS) - 1
    assert all(f"LIMIT {queue.COUNTED}" in sql for sql in counting)


def test_a_count_stops_at_99(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "COUNTED", 3)
    for _number in range(4):
        make_case()

    counts = {row["name"]: row["count"] for row in desk.get(QUEUE).context["views"]}

    assert counts["open"] == "2+"
    assert counts["mine"] == "0"
    assert counts["all"] == ""


def test_the_earliest_due_comes_first_and_cases_without_a_due_time_last(desk: Client) -> None:
    now = timezone.now()
    late, soon, never, tied = (make_case() for _number in range(4))
    for case, due in (
        (late, now - timedelta(hours=2)),
        (soon, now + timedelta(hours=2)),
        (tied, now + timedelta(hours=2)),
        (never, None),
    ):
        Case.objects.filter(pk=case.pk).update(answer_by=due)

    response = desk.get(QUEUE)

    assert shown(response) == [late.pk, soon.pk, tied.pk, never.pk]
    assert "overdue since" in response.content.decode()


def test_pages_follow_each_other_without_a_gap_or_a_double() -> None:
    cases = [make_case() for _number in range(7)]
    due = timezone.now()
    for n, case in enumerate(cases):
        Case.objects.filter(pk=case.pk).update(
            answer_by=None if n > 4 else due + timedelta(hours=n // 2)
        )
    seen: list[int] = []
    query: dict[str, str] = {}
    for _page in range(4):
        sheet = queue.urgent_first(Case.objects.all(), query, size=2)
        seen += [case.pk for case in sheet.cases]
        query = {"from": sheet.following.partition("=")[2]}

    assert seen == [case.pk for case in cases]
    assert sheet.following == ""
    assert sheet.first == "?"


@pytest.mark.parametrize("mark", ["x", "-", "1-", "99999999999999999999-1", "never-²", "1-1'"])
def test_a_mark_that_cannot_be_read_asks_for_the_first_page(desk: Client, mark: str) -> None:
    case = make_case()

    assert shown(desk.get(QUEUE, {"from": mark})) == [case.pk]


def test_each_view_shows_its_own_cases(desk: Client, minji: User) -> None:
    now = timezone.now()
    mine, nobodys, waiting, delisting, ended = (make_case() for _number in range(5))
    Case.objects.update(answer_by=now + timedelta(days=3))
    actions.take_step(mine, Event.CLAIM, agent(minji))
    actions.take_step(waiting, Event.ASK_SENDER, agent(minji), note="What changed?")
    actions.take_step(delisting, Event.APPROVE, agent(minji))
    actions.take_step(ended, Event.REFUSE, agent(minji), note="Still sending.")
    unknown = make_case(proved=False, reviewed=False)
    actions.take_step(unknown, Event.OWNER_UNKNOWN, DESK)
    Case.objects.filter(pk=nobodys.pk).update(answer_by=now + timedelta(hours=23))

    def view(name: str) -> set[int]:
        return set(shown(desk.get(QUEUE, {"view": name})))

    assert view("open") == {mine.pk, nobodys.pk, waiting.pk, unknown.pk, delisting.pk}
    assert view("mine") == {mine.pk}
    assert view("unassigned") == view("open") - view("mine")
    assert nobodys.pk in view("due")
    assert mine.pk not in view("due")
    assert view("waiting") == {waiting.pk}
    assert view("unknown") == {unknown.pk}
    assert view("delisting") == {delisting.pk}
    assert ended.pk in view("all")
    assert view("no such view") == view("open")


def test_an_address_finds_the_prefixes_over_it_and_the_addresses_inside(desk: Client) -> None:
    wide = make_ticket(prefix="203.0.113.0/25").case
    single = make_ticket(prefix="203.0.113.9").case
    make_ticket(prefix="203.0.113.200")

    assert shown(desk.get(QUEUE, {"q": "203.0.113.9"})) == [single.pk, wide.pk]
    assert shown(desk.get(QUEUE, {"q": "203.0.113.0/26"})) == [single.pk, wide.pk]
    assert shown(desk.get(QUEUE, {"q": "203.0.113.100"})) == [wide.pk]
    assert shown(desk.get(QUEUE, {"q": "[203.0.113.9]"})) == [single.pk, wide.pk]
    assert shown(desk.get(QUEUE, {"q": "2001:db8::1"})) == []


def test_a_case_is_found_by_its_number_its_ticket_and_its_reference(desk: Client) -> None:
    make_ticket()
    ticket = make_ticket(external_reference="INC-77")

    assert ticket.case.pk in shown(desk.get(QUEUE, {"q": str(ticket.case.pk)}))
    assert ticket.case.pk in shown(desk.get(QUEUE, {"q": f"#{ticket.pk}"}))
    assert shown(desk.get(QUEUE, {"q": "INC-77"})) == [ticket.case.pk]


@pytest.mark.parametrize(
    "typed", ["Info@Bank.example", "info@b", "info@", "bank.example", "BANK.example"]
)
def test_a_case_is_found_by_its_sender(desk: Client, typed: str) -> None:
    make_ticket(sender_email="other@press.example")
    case = make_ticket(sender_email="Info@Bank.example").case

    assert shown(desk.get(QUEUE, {"q": typed})) == [case.pk]


def test_a_case_is_found_by_its_customers_name_and_domain(desk: Client, clinic: Tenant) -> None:
    case = make_ticket(clinic).case
    make_ticket()

    assert shown(desk.get(QUEUE, {"q": "clin"})) == [case.pk]
    assert shown(desk.get(QUEUE, {"q": "clinic.example"})) == [case.pk]


def test_a_mistyped_address_is_answered_in_words(desk: Client) -> None:
    response = desk.get(QUEUE, {"q": "203.0.113.9/24"})

    assert "203.0.113.0/24" in response.content.decode()
    assert shown(response) == []


@pytest.mark.parametrize("typed", ["192.0.2.0/24", "#1", "REF-1", "a@b.example", "clinic"])
def test_a_search_takes_as_many_queries_for_30_rows_as_for_1(desk: Client, typed: str) -> None:
    make_case()
    with CaptureQueriesContext(connection) as one:
        desk.get(QUEUE, {"q": typed})
    for _number in range(29):
        make_case()
    with CaptureQueriesContext(connection) as thirty:
        desk.get(QUEUE, {"q": typed})

    assert len(thirty) == len(one)


@pytest.mark.parametrize(
    "typed", ["192.0.2.1", "192.0.2.0/24", "77", "REF", "a@bank.example", "a@ba", "bank.example"]
)
def test_every_search_goes_through_an_index(typed: str) -> None:
    if connection.vendor == "postgresql":  # which else reads a table of no rows from end to end
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    cases, _words = finding.find(typed)

    plan = cases.order_by("-pk")[:26].explain()

    assert "INDEX" in plan.upper()
    assert "Seq Scan" not in plan
    assert not [line for line in plan.splitlines() if line.endswith("SCAN tickets_ticket")]


def test_the_due_tag_says_today_and_overdue_and_nothing_for_what_has_ended() -> None:
    case = make_case()

    case.answer_by = timezone.now() - timedelta(minutes=1)
    assert queue.due_of(case)["look"] == "stop"
    case.answer_by = timezone.now() + timedelta(days=3)
    assert queue.due_of(case)["look"] == ""
    case.answer_by = None
    assert queue.due_of(case) is None
    watched = Case(state=State.DELISTED, answer_by=timezone.now() - timedelta(minutes=1))
    assert queue.due_of(watched)["look"] == ""
