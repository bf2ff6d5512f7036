"""The tenant's pages of junk reports: what it sees and answers, and what it never sees."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from abuse import actions
from abuse.lifecycle import Event, State
from abuse.models import Incident, IncidentEntry, Loop, Report
from customers.models import Tenant, User
from escalation.actors import Actor, Role
from tests.abuse.factories import make_incident, make_report

pytestmark = pytest.mark.django_db
LIST = "/junk/"
NOTE = "A stolen password; changed on Monday."


@pytest.fixture
def browser(client: Client, dana: User) -> Client:
    client.force_login(dana)
    return client


def text(browser: Client, path: str, **query: str) -> str:
    answer = browser.get(path, query, headers={"accept-language": "en"})
    assert answer.status_code == 200
    return answer.content.decode()


def post(browser: Client, incident: Incident, event: str, note: str = NOTE, key: str = "k") -> Any:
    body = {"event": event, "note": note, "key": key}
    return browser.post(
        f"/junk/{incident.pk}/step/", body, headers={"accept-language": "en"}
    )  # fmt: skip


def agent(user: User) -> Actor:
    return Actor(Role.AGENT, user, level=user.level)


# -- The list ---------------------------------------------------------------------------


def test_the_list_shows_open_incidents_first_then_the_ended(
    browser: Client, clinic: Tenant
) -> None:
    ended = make_incident(clinic, state=State.RESOLVED, feedback_class="fraud")
    open_one = make_incident(
        clinic, state=State.ASKED, enrolled=2, anonymous=3, claims=4,
        last_report_at=timezone.now() - timedelta(days=9),
        answer_until=timezone.now() + timedelta(days=2, hours=1),
    )  # fmt: skip

    page = browser.get(LIST)

    assert [row["incident"] for row in page.context["incidents"]] == [open_one, ended]
    words = " ".join(text(browser, LIST).split())
    for said in ("your turn", "enrolled: 2", "others: 3", "unproved: 4", "asks for your statement"):
        assert said in words, said


def test_reports_are_listed_with_their_strength_in_words(browser: Client, clinic: Tenant) -> None:
    make_report(clinic, strength="C", why=["reporter", "range"])
    make_report(clinic, strength="D", why=["says-domain"], subject="Cheap watches")

    page = text(browser, LIST)

    assert "a trusted reporter took it from your address" in page
    assert "only the reporter says so" in page
    assert page.index("Cheap watches") < page.index("Win a prize")


def test_reports_are_narrowed_by_class_and_strength_and_nonsense_narrows_nothing(
    browser: Client, clinic: Tenant
) -> None:
    junk = make_report(clinic, strength="B")
    fraud = make_report(clinic, strength="D", feedback_class="fraud")

    def found(**query: str) -> list[Report]:
        page = browser.get(LIST, query)
        assert page.status_code == 200
        return [row["report"] for row in page.context["reports"]]

    assert found() == [fraud, junk]
    assert found(kind="fraud") == [fraud]
    assert found(strength="proved") == [junk]
    assert found(strength="D") == [fraud]
    assert found(kind="fraud", strength="A1") == []
    assert found(kind="\0", strength="'", before="x") == [fraud, junk]


def test_older_reports_come_on_further_pages_with_the_filter_kept(
    browser: Client, clinic: Tenant
) -> None:
    for number in range(30):
        make_report(clinic, feedback_class="fraud" if number % 10 else "abuse")

    first = browser.get(LIST, {"kind": "fraud"})
    assert len(first.context["reports"]) == 25
    second = browser.get(f"{LIST}{first.context['page'].older}")
    assert {row["report"].feedback_class for row in second.context["reports"]} == {"fraud"}
    assert len(second.context["reports"]) == 2


def test_an_empty_list_says_so_in_words(browser: Client) -> None:
    page = text(browser, LIST)
    assert "Nobody has reported mail of yours." in page
    assert "There is none yet." in page


def test_mail_for_agents_and_reports_of_others_mail_are_not_the_tenants(
    browser: Client, clinic: Tenant
) -> None:
    for filed in ("plain", "notice", "auto_reply", "not_ours", "no_tenant"):
        hidden = make_report(clinic, filed=filed)
        assert browser.get(f"/junk/reports/{hidden.pk}/").status_code == 404
    assert browser.get(LIST).context["reports"] == []


# -- An incident ------------------------------------------------------------------------


def test_the_incident_says_where_it_stands_and_shows_samples(
    browser: Client, clinic: Tenant, joon: User
) -> None:
    incident = make_incident(clinic)
    make_report(clinic, incident)
    actions.take_step(incident, Event.WARN, agent(joon), note="A note for colleagues.")
    actions.take_step(incident, Event.ASK, agent(joon), note="What is news@ for?")

    page = text(browser, f"/junk/{incident.pk}/")

    assert "The desk asks for your statement." in page
    assert "What is news@ for?" in page
    assert "colleagues." not in page
    assert "준" not in page  # the desk answers as one
    assert "Win a prize" in page
    assert "You were warned" in page


@pytest.mark.parametrize("state", State.values)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_state_has_its_page(
    browser: Client, clinic: Tenant, state: str, language: str
) -> None:
    incident = make_incident(clinic, state=state)
    page = browser.get(f"/junk/{incident.pk}/", headers={"accept-language": language})
    assert page.status_code == 200
    stations = page.context["stations"]
    assert [one["state"] for one in stations if one["state"] == "now"] == (
        [] if state in {State.RESOLVED, State.DISMISSED} else ["now"]
    )
    assert browser.get(LIST).status_code == 200


def test_the_stations_tell_the_way_that_was_gone(
    browser: Client, clinic: Tenant, joon: User, dana: User
) -> None:
    incident = make_incident(clinic)
    actions.take_step(incident, Event.ASK, agent(joon))
    post(browser, incident, Event.ANSWER)
    actions.take_step(incident, Event.RESOLVE, agent(joon), note="Good.")

    page = browser.get(f"/junk/{incident.pk}/", headers={"accept-language": "en"})

    assert [(one["label"], one["state"]) for one in page.context["stations"]] == [
        ("Reported", "done"), ("Reports are counted", "done"), ("Statement asked for", "done"),
        ("Desk decides", "done"), ("Resolved", "done"),
    ]  # fmt: skip


def test_an_admin_answers_and_a_second_press_changes_nothing(
    browser: Client, clinic: Tenant, dana: User
) -> None:
    incident = make_incident(clinic, state=State.ASKED)

    assert post(browser, incident, Event.ANSWER).status_code == 302
    assert post(browser, incident, Event.ANSWER).status_code == 302

    incident.refresh_from_db()
    assert incident.state == State.ANSWERED
    entry = IncidentEntry.objects.get()
    assert (entry.note, entry.user) == (NOTE, dana)
    assert NOTE in text(browser, f"/junk/{incident.pk}/")


def test_an_admin_appeals_once_and_is_told_who_judges(browser: Client, clinic: Tenant) -> None:
    incident = make_incident(clinic, state=State.RESTRICTED)
    assert "Appeal to the desk" in text(browser, f"/junk/{incident.pk}/")

    assert post(browser, incident, Event.APPEAL).status_code == 302
    refused = post(browser, incident, Event.APPEAL, "And again, because.", key="other")

    assert refused.status_code == 409
    assert "The appeal is with the desk already." in refused.content.decode()
    page = text(browser, f"/junk/{incident.pk}/")
    assert "It judges your appeal." in page
    assert "Appeal to the desk" not in page


def test_a_step_that_is_refused_keeps_the_words(browser: Client, clinic: Tenant) -> None:
    incident = make_incident(clinic, state=State.WARNED)
    page = browser.post(
        f"/junk/{incident.pk}/step/",
        {"event": Event.APPEAL, "note": NOTE, "key": "k"}, headers={"accept-language": "en"},
    )  # fmt: skip
    assert page.status_code == 409
    assert NOTE in page.content.decode()
    assert IncidentEntry.objects.count() == 0


@pytest.mark.parametrize(
    "body",
    [
        {"event": "dismiss", "note": NOTE, "key": "k"},
        {"event": "answer", "note": "", "key": "k"},
        {"event": "answer", "note": "x" * 4001, "key": "k"},
        {"event": "answer", "note": NOTE, "key": "k" * 101},
        {"event": "answer", "note": "a\0b", "key": "k"},
        {},
    ],
)
def test_bad_input_takes_no_step(browser: Client, clinic: Tenant, body: dict[str, str]) -> None:
    incident = make_incident(clinic, state=State.ASKED)
    assert browser.post(f"/junk/{incident.pk}/step/", body).status_code == 422
    assert IncidentEntry.objects.count() == 0


def test_a_member_reads_and_is_told_to_ask_an_admin(
    client: Client, clinic: Tenant, erin: User
) -> None:
    incident = make_incident(clinic, state=State.ASKED)
    client.force_login(erin)

    page = text(client, f"/junk/{incident.pk}/")

    assert "Ask one of them." in page
    assert "<textarea" not in page
    assert post(client, incident, Event.ANSWER).status_code == 403
    assert "Feedback loops" not in text(client, LIST)


# -- A report ---------------------------------------------------------------------------


def test_a_report_says_what_was_said_and_why_it_is_held_to_be_ours(
    browser: Client, clinic: Tenant
) -> None:
    report = make_report(clinic, make_incident(clinic), incidents=12)

    page = text(browser, f"/junk/reports/{report.pk}/")

    for said in ("signed by you, whole", "DKIM signature holds", "192.0.2.10", "12 complaints"):
        assert said in page, said
    assert "Nothing proves" not in page


def test_a_claim_is_shown_as_a_claim(browser: Client, clinic: Tenant) -> None:
    report = make_report(clinic, strength="D", why=["says-domain", "no-such-code"])
    page = text(browser, f"/junk/reports/{report.pk}/")
    assert "Nothing proves that this message was yours." in page
    assert "It names their domain; nothing proves it." in page


# -- Costs ------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 30])
def test_the_pages_ask_the_same_number_of_questions_for_one_row_and_thirty(
    browser: Client, clinic: Tenant, joon: User, n: int,
    django_assert_num_queries: Callable[..., Any],
) -> None:  # fmt: skip
    incident = make_incident(clinic, state=State.ASKED)
    for number in range(n):
        make_report(clinic, incident)
        Loop.objects.create(
            tenant=clinic, domain="clinic.example", email=f"f{number}@clinic.example",
            challenge=f"c{number}", status_digest=f"d{number}", proved_at=timezone.now(),
        )  # fmt: skip
        make_incident(clinic, state=State.RESOLVED)
        IncidentEntry.objects.create(
            subject=incident, event=Event.WARN, source="open", target="warned", role="agent",
            user=joon,
        )  # fmt: skip
    report = Report.objects.latest("pk")
    browser.get(LIST)

    with django_assert_num_queries(10):
        browser.get(LIST)
    with django_assert_num_queries(7):
        browser.get(f"/junk/{incident.pk}/")
    with django_assert_num_queries(4):
        browser.get(f"/junk/reports/{report.pk}/")
