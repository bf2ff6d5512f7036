"""The agents' queue of incidents, and the page on which one is judged."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from abuse import actions
from abuse.admin import evidence, steps
from abuse.kinds import Strength
from abuse.lifecycle import Event, State
from abuse.models import HookCall, Incident, Reporter, SentVolume, Step, Voice
from customers.models import Tenant, User
from escalation.actors import Actor, Role
from tests.abuse.desk import act, at, n_queries, page, press, rows, said
from tests.abuse.factories import make_incident, make_report
from tests.factories import make_tenant

pytestmark = pytest.mark.django_db
QUEUE = "incident/"


@pytest.fixture
def desk(minji: User) -> Client:
    return at(minji)


def agent(user: User) -> Actor:
    return Actor(Role.AGENT, user, level=user.level)


def one(incident: Incident) -> str:
    return f"incident/{incident.pk}/change/"


def fill(incident: Incident, n: int) -> None:
    """``n`` of everything that the page of an incident shows."""
    for number in range(n):
        far = Reporter.objects.create(name="Far", domain=f"{incident.pk}-{number}.example")
        make_report(incident.tenant, incident, reporter=f"r{number}", enrolled=far)
        HookCall.objects.create(key=f"{incident.pk}:{number}", incident=incident, what="restrict")
        Voice.objects.create(
            tenant=incident.tenant, incident=incident, day=timezone.now().date(),
            reporter=f"{incident.pk}-{number}", is_proved=True,
        )  # fmt: skip


# -- Who may be here ---------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "1/change/", "1/step/"])
@pytest.mark.parametrize("table", ["incident", "report", "threshold", "loop", "hookcall"])
def test_a_tenants_admin_learns_nothing_of_the_desk(
    client: Client, dana: User, clinic: Tenant, table: str, path: str
) -> None:
    make_report(clinic, make_incident(clinic))
    client.force_login(dana)

    assert client.get(f"/desk/abuse/{table}/{path}", follow=True).status_code == 404


def test_what_is_not_there_is_not_found(desk: Client) -> None:
    for path in ("99999/change/", "abc/change/", "99999/step/"):
        assert desk.get(f"/desk/abuse/incident/{path}").status_code == 404


@pytest.mark.parametrize("path", ["add/", "{pk}/delete/"])
def test_nobody_adds_or_deletes_an_incident(root: User, clinic: Tenant, path: str) -> None:
    incident = make_incident(clinic)

    answer = at(root).get(f"/desk/abuse/incident/{path}".format(pk=incident.pk))

    assert answer.status_code == 403


def test_looking_at_the_address_of_a_step_takes_none(desk: Client, clinic: Tenant) -> None:
    incident = make_incident(clinic)

    assert desk.get(f"/desk/abuse/incident/{incident.pk}/step/").status_code == 302
    assert not incident.entries.exists()


# -- The queue ---------------------------------------------------------------------


def test_each_view_shows_its_own_incidents(desk: Client) -> None:
    now = timezone.now()

    def made(name: str, **fields: object) -> int:
        return make_incident(make_tenant(name), **fields).pk

    plain, proposed = made("A"), made("B", proposed=Step.RESTRICT)
    answered, restricted = made("C", state=State.ANSWERED), made("D", state=State.RESTRICTED)
    appealed = made("E", state=State.RESTRICTED, appealed_at=now)
    ended = made("F", state=State.DISMISSED, proposed=Step.WARN)

    assert rows(desk, QUEUE) == {plain, proposed, answered, restricted, appealed}
    assert rows(desk, QUEUE, view="decision") == {proposed, answered, appealed}
    assert rows(desk, QUEUE, view="restricted") == {restricted, appealed}
    assert rows(desk, QUEUE, view="ended") == {ended}
    assert ended in rows(desk, QUEUE, view="all")


@pytest.mark.parametrize("typed", ["clin", "CLINIC", "clinic.example", "#{pk}", "{pk}"])
def test_an_incident_is_found_by_tenant_domain_and_number(
    desk: Client, clinic: Tenant, school: Tenant, typed: str
) -> None:
    incident, other = make_incident(clinic), make_incident(school)

    assert rows(desk, QUEUE, q=typed.format(pk=incident.pk)) == {incident.pk}
    assert other.pk not in rows(desk, QUEUE, q="no such tenant")


def test_the_queue_and_the_page_ask_as_often_for_30_as_for_1(desk: Client) -> None:
    first = make_incident(make_tenant("First"))
    fill(first, 1)
    page(desk, QUEUE)
    with_one = [n_queries(desk, path) for path in (QUEUE, one(first))]
    fill_more = make_incident(first.tenant, feedback_class="fraud")
    fill(fill_more, 30)
    for n in range(29):
        make_incident(make_tenant(f"Tenant {n}"))

    assert [n_queries(desk, path) for path in (QUEUE, one(fill_more))] == with_one
    assert with_one[0] <= 8
    assert with_one[1] <= 25


# -- Many at once ------------------------------------------------------------------


def test_a_step_on_many_first_asks_for_the_note_and_shows_how_many(
    desk: Client, clinic: Tenant, school: Tenant
) -> None:
    both = [make_incident(clinic), make_incident(school)]

    shown = act(desk, QUEUE, "dismiss", *[row.pk for row in both])

    assert "Dismiss: 2 incidents" in shown.content.decode()
    assert "It stays at the desk" in shown.content.decode()
    assert not Incident.objects.filter(state=State.DISMISSED).exists()
    fields = {"note": "A test mailbox.", "key": "form-1"}
    done = act(desk, QUEUE, "dismiss", *[row.pk for row in both], **fields)
    assert said(done) == ["2 incidents done: Dismiss."]
    assert Incident.objects.filter(state=State.DISMISSED).count() == 2
    assert {entry.note for row in both for entry in row.entries.all()} == {"A test mailbox."}


@pytest.mark.parametrize("action", ["resolve", "dismiss"])
def test_many_do_not_end_without_a_note(desk: Client, clinic: Tenant, action: str) -> None:
    incident = make_incident(clinic)

    answer = act(desk, QUEUE, action, incident.pk, note=" ", key="form-1")

    assert answer.status_code == 422
    assert not incident.entries.exists()


def test_what_is_refused_is_told_for_each_and_stops_nothing_else(
    desk: Client, clinic: Tenant, school: Tenant
) -> None:
    ready, warned = make_incident(clinic), make_incident(school, state=State.WARNED)

    answer = act(desk, QUEUE, "warn", ready.pk, warned.pk, note="", key="form-1")

    refused, done = said(answer)
    assert refused.startswith("School: ")
    assert "the state is “Warned”" in refused
    assert done == "1 incident done: Warn the tenant."
    ready.refresh_from_db()
    assert ready.state == State.WARNED


def test_the_same_form_sent_twice_does_nothing_twice(desk: Client, clinic: Tenant) -> None:
    incident = make_incident(clinic)

    for _again in range(2):
        act(desk, QUEUE, "ask", incident.pk, note="What happened?", key="form-1")

    assert [entry.event for entry in incident.entries.all()] == [Event.ASK]


def test_more_than_fit_into_one_form_are_refused_before_anything_is_done(
    desk: Client, clinic: Tenant, school: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "MOST", 1)
    both = [make_incident(clinic).pk, make_incident(school).pk]

    answer = act(desk, QUEUE, "warn", *both, note="", key="form-1")

    assert said(answer) == ["Choose 1 to 1 incidents: nothing was done."]
    assert not Incident.objects.exclude(state=State.OPEN).exists()


# -- One incident ------------------------------------------------------------------


def test_the_page_shows_the_evidence_in_words(desk: Client, clinic: Tenant) -> None:
    incident = make_incident(clinic, enrolled=1, anonymous=3, claims=7)
    report = make_report(clinic, incident, facts={
        "verified": [["clinic.example", "s1", "A1"]], "signatures": [["other.example", "s9"]],
        "hops": [{"address": "192.0.2.10", "name": "mail", "by": "mx.far.example", "at": ""}],
    })  # fmt: skip

    shown = page(desk, one(incident))

    for words in (
        "Clinic", "Enrolled: 1. Others: 3.", "Nothing proves 7 more", "signed by them, whole",
        "Their DKIM signature holds over the whole message.", "s1._domainkey.clinic.example",
        "s9._domainkey.other.example", "mx.far.example", "pat@far.example", "Dear pat@far",
        f"/desk/abuse/report/{report.pk}/change/", "clinic.example",
    ):  # fmt: skip
        assert words in shown, words


def test_evidence_is_text_and_never_markup(desk: Client, clinic: Tenant) -> None:
    incident = make_incident(clinic)
    evil = "<script>alert(1)</script>"
    make_report(
        clinic, incident, evidence=evil, subject=evil, from_domain=evil, reporter_email=evil,
        why=[evil], facts={"user_agent": evil, "hops": [{"by": evil, "name": evil}]},
    )  # fmt: skip

    assert "<script>alert" not in page(desk, one(incident))


def test_evidence_that_is_kept_no_longer_is_said_to_be_gone(desk: Client, clinic: Tenant) -> None:
    incident = make_incident(clinic)
    make_report(clinic, incident, evidence="", facts={}, reporter_email="")

    assert "it is no longer kept" in page(desk, one(incident))


def test_a_long_message_is_cut_and_only_the_newest_reports_are_shown(
    desk: Client, clinic: Tenant
) -> None:
    incident = make_incident(clinic)
    made = [make_report(clinic, incident) for _number in range(evidence.SHOWN + 1)]
    make_report(clinic, incident, evidence="x" * (evidence.SHOWN_TEXT + 1))

    shown = page(desk, one(incident))

    assert "x" * evidence.SHOWN_TEXT in shown
    assert "x" * (evidence.SHOWN_TEXT + 1) not in shown
    assert f"/report/{made[0].pk}/" not in shown
    assert f"/report/{made[-1].pk}/" in shown


def test_the_thresholds_say_which_numbers_count(desk: Client, clinic: Tenant) -> None:
    incident = make_incident(clinic)
    fill(incident, 3)
    today = timezone.now().date()
    for days in range(4):
        SentVolume.objects.create(tenant=clinic, day=today - timedelta(days=days), messages=100)

    found = evidence.thresholds(incident)
    assert [row["is_reached"] for row in found] == [True, False, False]
    assert [row["by_rate"] for row in found] == [False] * 3
    assert "too few for a rate" in page(desk, one(incident))

    SentVolume.objects.update(messages=500)
    assert [row["by_rate"] for row in evidence.thresholds(incident)] == [True] * 3
    assert "1.50 for each 1,000" in page(desk, one(incident))


def test_a_step_that_must_wait_says_why(desk: Client, clinic: Tenant) -> None:
    shown = page(desk, one(make_incident(clinic)))

    assert "Restrict: not yet." in shown
    assert "level 2" in shown


def test_what_the_tenant_will_read_is_said_at_the_field(joon: User, clinic: Tenant) -> None:
    """The notes of these steps go out; those of all others must not seem to."""
    open_, restricted = make_incident(clinic), make_incident(clinic, feedback_class="fraud")
    Incident.objects.filter(pk=restricted.pk).update(
        state=State.RESTRICTED, appealed_at=timezone.now()
    )
    told, kept = "The tenant reads it, in the letter", "It stays at the desk; the tenant does not"
    for incident, tells, stays in ((open_, 2, 3), (restricted, 2, 0)):
        shown = page(at(joon), one(incident))
        assert (shown.count(told), shown.count(kept)) == (tells, stays)


def test_a_button_takes_its_step_with_its_note(desk: Client, clinic: Tenant, minji: User) -> None:
    incident = make_incident(clinic)

    answer = press(desk, incident, Event.ASK, "Where do these come from?")

    assert answer.status_code == 302
    entry = incident.entries.get()
    assert (entry.event, entry.user, entry.note) == (
        Event.ASK, minji, "Where do these come from?"
    )  # fmt: skip
    shown = page(desk, one(incident))
    assert "Where do these come from?" in shown
    assert "Statement awaited" in shown


def test_a_refused_step_says_why_and_keeps_the_note(desk: Client, clinic: Tenant) -> None:
    incident = make_incident(clinic)

    answer = press(desk, incident, Event.RESTRICT, "It goes on & on.")

    assert answer.status_code == 409
    assert "for agents of level 2" in answer.content.decode()
    assert not incident.entries.exists()
    answer = press(desk, incident, Event.DISMISS, " ")
    assert "needs a reason" in answer.content.decode()


@pytest.mark.parametrize("event", ["answer", "appeal", "nonsense", ""])
def test_the_tenants_own_steps_are_not_the_desks(desk: Client, clinic: Tenant, event: str) -> None:
    incident = make_incident(clinic, state=State.ASKED)

    assert press(desk, incident, event, "For them.").status_code == 422
    assert not incident.entries.exists()


def test_a_page_that_is_out_of_date_takes_no_step(desk: Client, clinic: Tenant, joon: User) -> None:
    incident = make_incident(clinic)
    old = steps.seen_of(incident)
    actions.take_step(incident, Event.WARN, agent(joon))

    answer = press(desk, incident, Event.DISMISS, "Nothing in it.", seen=old)

    assert answer.status_code == 409
    assert "Somebody took a step since you opened the page" in answer.content.decode()
    assert "Nothing in it." in answer.content.decode()
    incident.refresh_from_db()
    assert incident.state == State.WARNED


def test_a_button_pressed_twice_takes_one_step(desk: Client, clinic: Tenant) -> None:
    incident = make_incident(clinic)
    old = steps.seen_of(incident)

    for _again in range(2):
        assert press(desk, incident, Event.WARN, seen=old).status_code == 302

    assert incident.entries.count() == 1


def test_the_page_shows_what_the_tenant_says_and_what_the_hook_said(
    joon: User, clinic: Tenant
) -> None:
    incident = make_incident(clinic)
    admin = Actor(Role.ADMIN, joon, tenant_id=clinic.pk)
    for event, actor, note in (
        (Event.ASK, agent(joon), "Why?"),
        (Event.ANSWER, admin, "A stolen password."),
        (Event.RESTRICT, agent(joon), "It goes on."),
        (Event.APPEAL, admin, "It has ended."),
    ):
        actions.take_step(incident, event, actor, note=note)
    call = HookCall.objects.get()
    shown = page(at(joon), one(incident))
    assert "A stolen password." in shown
    assert "It has ended." in shown
    assert "No hook is set: do it by hand" in shown
    assert "An appeal is judged by another agent" in shown

    HookCall.objects.filter(pk=call.pk).update(
        parked_at=timezone.now() - timedelta(hours=1), last_error="the hook answered 500"
    )
    assert "the hook answered 500" in page(at(joon), one(incident))


def test_every_strength_has_words_of_its_own_on_the_page(desk: Client, clinic: Tenant) -> None:
    incident = make_incident(clinic)
    for strength in Strength:
        make_report(clinic, incident, strength=strength)

    shown = page(desk, one(incident))

    assert all(str(strength.label) in shown for strength in Strength)


def test_the_desk_has_a_way_to_the_junk(desk: Client) -> None:
    assert '<a href="/desk/abuse/incident/" aria-current="page">Junk</a>' in page(desk, QUEUE)
