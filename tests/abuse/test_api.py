"""Junk reports for a tenant's programs."""

from typing import Any

import pytest
from django.test import Client

from abuse.kinds import Strength
from abuse.lifecycle import Event, State
from abuse.models import Incident, IncidentEntry
from customers import keys
from customers.models import ApiKey, Scope, Tenant, User
from tests.abuse.factories import make_incident, make_report

pytestmark = pytest.mark.django_db
INCIDENTS, REPORTS = "/api/v1/incidents/", "/api/v1/reports/"


@pytest.fixture
def api(client: Client, dana: User) -> Client:
    client.force_login(dana)
    return client


def post(api: Client, path: str, body: Any, **headers: str) -> Any:
    return api.post(path, body, content_type="application/json", headers=headers)


def numbers(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [row["number"] for row in answer.json()["results"]]


def test_incidents_are_listed_narrowed_and_read_with_their_history(
    api: Client, clinic: Tenant
) -> None:
    ended = make_incident(clinic, state=State.RESOLVED)
    asked = make_incident(clinic, state=State.ASKED, feedback_class="fraud", enrolled=2)
    IncidentEntry.objects.create(
        subject=asked, event=Event.WARN, source="open", target="warned", role="desk", note="Hush."
    )
    IncidentEntry.objects.create(
        subject=asked, event=Event.ASK, source="warned", target="asked", role="agent", note="Who?"
    )

    assert numbers(api.get(INCIDENTS)) == [asked.pk, ended.pk]
    assert numbers(api.get(INCIDENTS, {"open": "true"})) == [asked.pk]
    assert numbers(api.get(INCIDENTS, {"open": "false"})) == [ended.pk]
    assert numbers(api.get(INCIDENTS, {"state": "resolved"})) == [ended.pk]
    assert numbers(api.get(INCIDENTS, {"feedback_class": "fraud"})) == [asked.pk]
    whole = api.get(f"{INCIDENTS}{asked.pk}/").json()
    assert (whole["state"], whole["turn"], whole["enrolled"]) == ("asked", "customer", 2)
    assert [(step["event"], step["note"]) for step in whole["history"]] == [
        ("warn", ""), ("ask", "Who?"),
    ]  # fmt: skip


def test_a_statement_is_given_once_however_often_it_is_sent(api: Client, clinic: Tenant) -> None:
    incident = make_incident(clinic, state=State.ASKED)
    path = f"{INCIDENTS}{incident.pk}/answer/"

    first = post(api, path, {"note": "A stolen password."}, **{"Idempotency-Key": "1"})
    again = post(api, path, {"note": "A stolen password."}, **{"Idempotency-Key": "1"})
    other = post(api, path, {"note": "Once more."}, **{"Idempotency-Key": "2"})

    assert (first.status_code, again.status_code, other.status_code) == (200, 200, 409)
    assert first.json()["state"] == State.ANSWERED
    assert IncidentEntry.objects.get().note == "A stolen password."
    assert other["Content-Type"].startswith("application/problem+json")


def test_a_restriction_is_appealed_against_by_api(api: Client, clinic: Tenant) -> None:
    incident = make_incident(clinic, state=State.RESTRICTED)
    answer = post(api, f"{INCIDENTS}{incident.pk}/appeal/", {"note": "It has ended."})
    assert answer.status_code == 200
    assert answer.json()["appealed_at"] is not None
    assert answer.json()["turn"] == "desk"


def test_a_key_of_the_page_is_not_a_key_of_the_api(api: Client, clinic: Tenant) -> None:
    incident = make_incident(clinic, state=State.WARNED)
    api.post(f"/junk/{incident.pk}/step/", {"event": "answer", "note": "Page.", "key": "1"})
    answer = post(
        api, f"{INCIDENTS}{incident.pk}/appeal/", {"note": "x"}, **{"Idempotency-Key": "1"}
    )
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("transition-not-allowed")


@pytest.mark.parametrize(
    ("body", "key", "status"),
    [
        ({}, "", 400), ({"note": ""}, "", 400), ({"note": "x" * 4001}, "", 400),
        ({"note": 7, "x": []}, "", 200), ([], "", 400), ({"note": "x"}, "k" * 101, 422),
        ({"note": "a\0b"}, "", 400),
    ],
)  # fmt: skip
def test_bad_input_is_a_problem_document(
    api: Client, clinic: Tenant, body: Any, key: str, status: int
) -> None:
    incident = make_incident(clinic, state=State.ASKED)
    answer = post(api, f"{INCIDENTS}{incident.pk}/answer/", body, **{"Idempotency-Key": key})
    assert answer.status_code == status
    if status != 200:
        assert answer["Content-Type"].startswith("application/problem+json")
        assert not IncidentEntry.objects.exists()


def test_reports_are_listed_narrowed_and_paged(api: Client, clinic: Tenant) -> None:
    incident = make_incident(clinic)
    reports = [
        make_report(clinic, incident if n == 3 else None, strength=strength)
        for n, strength in enumerate([Strength.A1, Strength.B, Strength.D, Strength.D])
    ]
    mine = [report.pk for report in reversed(reports)]

    first = api.get(REPORTS, {"limit": 3})
    assert numbers(first) + numbers(api.get(first.json()["next"])) == mine
    assert api.get(REPORTS).json()["next"] is None
    assert numbers(api.get(REPORTS, {"strength": "D"})) == mine[:2]
    assert numbers(api.get(REPORTS, {"strength": "proved"})) == mine[2:]
    assert numbers(api.get(REPORTS, {"incident": incident.pk})) == mine[:1]
    assert numbers(api.get(REPORTS, {"feedback_class": "fraud"})) == []


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "101"}, {"before": "x"}, {"strength": "N"}]
)
def test_a_filter_that_is_none_is_refused(api: Client, query: dict[str, str]) -> None:
    assert api.get(REPORTS, query).status_code == 400


def test_a_report_comes_with_the_message_and_the_copy_both_redacted(
    api: Client, clinic: Tenant
) -> None:
    report = make_report(clinic, make_incident(clinic), incidents=3)
    found = api.get(f"{REPORTS}{report.pk}/").json()
    assert (found["strength"], found["is_proved"], found["why"]) == ("A1", True, ["dkim"])
    assert (found["complaints"], found["subject"]) == (3, "Win a prize")
    assert "Win a prize" in found["message"]
    assert "Feedback-Type: abuse" in found["arf"]
    assert "pat@" not in str(found)


def test_a_report_that_is_no_longer_kept_has_no_copy(api: Client, clinic: Tenant) -> None:
    report = make_report(clinic, evidence="", facts={})
    found = api.get(f"{REPORTS}{report.pk}/").json()
    assert (found["message"], found["arf"]) == ("", "")


def test_what_is_another_tenants_is_not_there(
    client: Client, clinic: Tenant, charlie: User
) -> None:
    incident = make_incident(clinic, state=State.ASKED)
    report = make_report(clinic, incident)
    client.force_login(charlie)

    assert numbers(client.get(INCIDENTS)) == numbers(client.get(REPORTS)) == []
    for path, missing in (
        (f"{INCIDENTS}{incident.pk}/", f"{INCIDENTS}99999/"),
        (f"{REPORTS}{report.pk}/", f"{REPORTS}99999/"),
    ):
        assert client.get(path).status_code == 404
        assert client.get(path).json() == client.get(missing).json()
    assert post(client, f"{INCIDENTS}{incident.pk}/answer/", {"note": "x"}).status_code == 404
    assert not IncidentEntry.objects.exists()


def test_agents_and_visitors_have_no_tenants_api(
    client: Client, clinic: Tenant, minji: User
) -> None:
    assert client.get(INCIDENTS).status_code == 401
    client.force_login(minji)
    assert client.get(INCIDENTS).status_code == client.get(REPORTS).status_code == 404


def test_a_member_reads_and_does_not_answer(client: Client, clinic: Tenant, erin: User) -> None:
    incident = make_incident(clinic, state=State.ASKED)
    client.force_login(erin)
    assert numbers(client.get(INCIDENTS)) == [incident.pk]
    answer = post(client, f"{INCIDENTS}{incident.pk}/answer/", {"note": "x"})
    assert answer.status_code == 403
    assert Incident.objects.get().state == State.ASKED


def test_a_key_that_only_reads_gives_no_statement(
    client: Client, clinic: Tenant, dana: User
) -> None:
    incident = make_incident(clinic, state=State.ASKED)
    prefix, secret = keys.make()
    ApiKey.objects.create(
        tenant=clinic, user=dana, label="reader", scopes=[Scope.READ], prefix=prefix,
        digest=keys.digest(secret),
    )  # fmt: skip
    bearer = {"Authorization": f"Bearer {secret}"}
    assert client.get(INCIDENTS, headers=bearer).status_code == 200
    path = f"{INCIDENTS}{incident.pk}/answer/"
    assert post(client, path, {"note": "x"}, **bearer).status_code == 403


@pytest.mark.parametrize("n", [1, 30])
def test_no_list_asks_more_of_the_database_for_30_rows_than_for_one(
    api: Client, clinic: Tenant, n: int, django_assert_num_queries: Any
) -> None:
    incident = make_incident(clinic)
    for _number in range(n):
        make_incident(clinic, state=State.RESOLVED)
        make_report(clinic, incident)
    for path in (INCIDENTS, REPORTS):
        api.get(path)
        with django_assert_num_queries(10):
            api.get(path, {"limit": 100})
