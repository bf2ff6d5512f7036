"""What follows from reports: the thresholds, the steps, the hook, the letters."""

import hashlib
import hmac
import json
import stat
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from abuse import actions, jobs
from abuse.lifecycle import INCIDENT, Event, State
from abuse.models import HookCall, Incident, SentVolume, Step, Threshold, Voice
from customers.models import Tenant, User
from escalation import owed
from escalation.actors import DESK, Actor, Role
from escalation.lifecycle import NotAllowed, NotYours
from mailroom.models import Letter
from tests.abuse.factories import make_incident, make_report

pytestmark = pytest.mark.django_db


def hear(incident: Incident, n: int, *, enrolled: bool = False, proved: bool = True) -> None:
    """``n`` voices today; the incident is due to be considered."""
    start = Voice.objects.count()
    Voice.objects.bulk_create(
        Voice(
            tenant=incident.tenant, incident=incident, day=timezone.now().date(),
            reporter=f"{start + number}", is_enrolled=enrolled, is_proved=proved,
        )
        for number in range(n)
    )  # fmt: skip
    Incident.objects.filter(pk=incident.pk).update(last_report_at=timezone.now())
    owed.owe(incident)


def considered(incident: Incident) -> Incident:
    jobs.sweep_incidents()
    incident.refresh_from_db()
    return incident


def agent(user: User) -> Actor:
    return Actor(Role.AGENT, user, level=user.level)


def admin(user: User, tenant: Tenant) -> Actor:
    return Actor(Role.ADMIN, user, tenant_id=tenant.pk)


def test_below_the_thresholds_nothing_happens(clinic: Tenant) -> None:
    incident = make_incident(clinic)
    hear(incident, 2)
    assert considered(incident).state == State.OPEN
    assert not Letter.objects.exists()


def test_the_tenant_is_warned_with_a_sample(clinic: Tenant, dana: User, erin: User) -> None:
    incident = make_incident(clinic)
    make_report(clinic, incident)
    hear(incident, 3)
    assert considered(incident).state == State.WARNED
    letter = Letter.objects.get()
    assert letter.recipient == dana.email
    assert "Feedback-Type: abuse" in letter.feedback
    assert b"pat" not in bytes(letter.enclosed)
    assert b"Win a prize" in bytes(letter.enclosed)


def test_one_enrolled_reporter_is_enough_for_a_warning(clinic: Tenant) -> None:
    incident = make_incident(clinic)
    hear(incident, 1, enrolled=True)
    assert considered(incident).state == State.WARNED


def test_any_number_of_claims_leads_to_nothing(clinic: Tenant) -> None:
    incident = make_incident(clinic, claims=500)
    hear(incident, 500, proved=False)
    assert considered(incident).state == State.OPEN
    assert considered(incident).proposed == ""


def test_many_reports_ask_for_a_statement_and_propose_a_restriction(clinic: Tenant) -> None:
    incident = make_incident(clinic)
    hear(incident, 25)
    considered(incident)
    assert (incident.state, incident.proposed) == (State.ASKED, Step.RESTRICT)
    assert incident.answer_until is not None
    assert not HookCall.objects.exists()


def test_where_the_volume_is_known_the_rate_decides(clinic: Tenant) -> None:
    today = timezone.now().date()
    for days in range(4):
        SentVolume.objects.create(
            tenant=clinic, day=today - timedelta(days=days), messages=25_000
        )  # fmt: skip
    incident = make_incident(clinic)
    hear(incident, 50)
    assert considered(incident).state == State.OPEN
    SentVolume.objects.update(messages=5_000)
    hear(incident, 1)
    assert considered(incident).state == State.WARNED


def test_a_volume_of_a_few_days_says_nothing_of_the_week(clinic: Tenant) -> None:
    SentVolume.objects.create(tenant=clinic, day=timezone.now().date(), messages=1_000_000)
    incident = make_incident(clinic)
    hear(incident, 3)
    assert considered(incident).state == State.WARNED


def test_one_reporter_of_many_days_is_one(clinic: Tenant) -> None:
    incident = make_incident(clinic)
    for days in range(7):
        day = timezone.now().date() - timedelta(days=days)
        Voice.objects.create(
            tenant=clinic, incident=incident, day=day, reporter="one", is_enrolled=True,
            is_proved=True,
        )  # fmt: skip
    assert incident.heard(7).enrolled == 1
    owed.owe(incident)
    assert considered(incident).state == State.WARNED


def test_what_does_not_happen_by_itself_is_proposed_to_agents(clinic: Tenant) -> None:
    Threshold.objects.update(is_automatic=False)
    incident = make_incident(clinic)
    hear(incident, 10)
    considered(incident)
    assert (incident.state, incident.proposed) == (State.OPEN, Step.ASK)
    hear(incident, 15)
    assert considered(incident).proposed == Step.RESTRICT


def test_a_restriction_that_waits_does_not_come_after_its_end(
    clinic: Tenant, settings: Any, joon: User, root: User
) -> None:
    settings.POSTERN_RESTRICT_HOOK = "/bin/false"
    incident = make_incident(clinic)
    actions.take_step(incident, Event.RESTRICT, agent(joon), note="Now.")
    jobs.sweep_hooks()  # fails, and would come again
    actions.take_step(incident, Event.RELEASE, agent(root), note="It has ended.")
    restrict, release = HookCall.objects.order_by("pk")
    assert restrict.due_at is None
    assert release.due_at is not None
    HookCall.objects.filter(pk=restrict.pk).update(  # it is being called just now
        lease_until=timezone.now() + timedelta(minutes=1)
    )
    jobs.sweep_hooks()
    release.refresh_from_db()
    assert "not done" in release.last_error


def test_a_class_may_have_a_threshold_of_its_own(clinic: Tenant) -> None:
    Threshold.objects.create(step=Step.WARN, feedback_class="fraud", anonymous=1)
    fraud, junk = make_incident(clinic, feedback_class="fraud"), make_incident(clinic)
    hear(fraud, 1)
    hear(junk, 1)
    assert (considered(fraud).state, considered(junk).state) == (State.WARNED, State.OPEN)


def test_an_automatic_restriction_calls_the_hook(
    clinic: Tenant, settings: Any, tmp_path: Path
) -> None:
    Threshold.objects.filter(step=Step.RESTRICT).update(is_automatic=True)
    said = tmp_path / "said"
    hook = tmp_path / "hook"
    hook.write_text(f'#!/bin/sh\necho "$@" >{said}\ncat >>{said}\necho done\n')
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    settings.POSTERN_RESTRICT_HOOK = str(hook)
    incident = make_incident(clinic)
    hear(incident, 25)
    assert considered(incident).state == State.RESTRICTED
    jobs.sweep_hooks()
    call = HookCall.objects.get()
    assert (call.what, call.answer) == ("restrict", "done")
    assert call.done_at is not None
    arguments, _line, document = said.read_text().partition("\n")
    assert arguments == f"restrict {clinic.pk}"
    told = json.loads(document)
    assert (told["tenant"], told["domains"]) == (clinic.pk, ["clinic.example"])


def test_a_hook_that_fails_is_called_again(clinic: Tenant, settings: Any) -> None:
    settings.POSTERN_RESTRICT_HOOK = "/bin/false"
    call = HookCall.objects.create(
        key="1", incident=make_incident(clinic), what="restrict", due_at=timezone.now()
    )
    jobs.sweep_hooks()
    call.refresh_from_db()
    assert call.done_at is None
    assert call.due_at is not None
    assert call.due_at > timezone.now()
    assert "false" in call.last_error


class Listener(BaseHTTPRequestHandler):
    taken: list[tuple[bytes, str]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.taken.append((body, self.headers["X-Postern-Signature"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"noted")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def listener() -> Iterator[str]:
    Listener.taken.clear()
    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/restrict"
        server.shutdown()
        thread.join()


def test_a_web_address_gets_the_call_signed(clinic: Tenant, settings: Any, listener: str) -> None:
    settings.POSTERN_RESTRICT_HOOK, settings.POSTERN_RESTRICT_KEY = listener, "secret"
    call = HookCall.objects.create(
        key="1:2", incident=make_incident(clinic), what="release", due_at=timezone.now()
    )
    jobs.sweep_hooks()
    call.refresh_from_db()
    [(body, signature)] = Listener.taken
    assert signature == "sha256=" + hmac.new(b"secret", body, hashlib.sha256).hexdigest()
    assert json.loads(body)["key"] == "1:2"
    assert call.answer == "noted"


def test_without_a_statement_a_restriction_is_proposed(clinic: Tenant) -> None:
    incident = make_incident(clinic)
    hear(incident, 10)
    assert considered(incident).state == State.ASKED
    with time_machine.travel(timezone.now() + timedelta(days=4)):
        assert considered(incident).proposed == Step.RESTRICT
        assert considered(incident).state == State.ASKED


def test_two_quiet_weeks_end_an_incident(clinic: Tenant, dana: User) -> None:
    incident = make_incident(clinic)
    hear(incident, 3)
    considered(incident)
    with time_machine.travel(timezone.now() + timedelta(days=15)):
        assert considered(incident).state == State.RESOLVED
    assert Letter.objects.count() == 2


def test_the_tenant_answers_is_restricted_appeals_and_is_let_go(
    clinic: Tenant, dana: User, joon: User, root: User
) -> None:
    incident = make_incident(clinic)
    actions.take_step(incident, Event.ASK, agent(joon))
    actions.take_step(incident, Event.ANSWER, admin(dana, clinic), note="A stolen password.")
    assert (incident.state, incident.answer_until) == (State.ANSWERED, None)
    actions.take_step(incident, Event.RESTRICT, agent(joon), note="It goes on.")
    with pytest.raises(NotAllowed):
        actions.take_step(incident, Event.UPHOLD, agent(root), note="Nobody has asked.")
    actions.take_step(incident, Event.APPEAL, admin(dana, clinic), note="It has ended.")
    with pytest.raises(NotAllowed):
        actions.take_step(incident, Event.APPEAL, admin(dana, clinic), note="Again.")
    with pytest.raises(NotAllowed, match="another agent"):
        actions.take_step(incident, Event.RELEASE, agent(joon), note="Mine.")
    actions.take_step(incident, Event.RELEASE, agent(root), note="It has ended indeed.")
    assert incident.state == State.RESOLVED
    assert [call.what for call in HookCall.objects.order_by("pk")] == ["restrict", "release"]


def test_an_agent_of_level_1_restricts_nobody(clinic: Tenant, minji: User) -> None:
    with pytest.raises(NotAllowed, match="level 2"):
        actions.take_step(make_incident(clinic), Event.RESTRICT, agent(minji), note="Now.")


def test_members_and_tenants_take_no_step_of_the_desk(
    clinic: Tenant, dana: User, erin: User
) -> None:
    incident = make_incident(clinic, state=State.ASKED)
    with pytest.raises(NotYours):
        actions.take_step(incident, Event.DISMISS, admin(dana, clinic), note="No.")
    member = Actor(Role.MEMBER, erin, tenant_id=clinic.pk)
    with pytest.raises(NotYours):
        actions.take_step(incident, Event.ANSWER, member, note="Hello.")


def test_a_step_that_is_retried_with_its_key_is_taken_once(clinic: Tenant, joon: User) -> None:
    incident = make_incident(clinic)
    first = actions.take_step(incident, Event.WARN, agent(joon), key="once")
    assert actions.take_step(incident, Event.WARN, agent(joon), key="once") == first


def test_the_desk_does_nothing_by_itself_that_the_table_does_not_say(clinic: Tenant) -> None:
    incident = make_incident(clinic)
    for event in (Event.WARN, Event.ASK, Event.RESTRICT):
        with pytest.raises(NotAllowed, match="threshold"):
            actions.take_step(incident, event, DESK, note="By itself.")


def test_an_incident_opens_again_only_while_no_other_is_open(clinic: Tenant, joon: User) -> None:
    ended = make_incident(clinic, state=State.DISMISSED)
    other = make_incident(clinic)
    with pytest.raises(NotAllowed, match="Another incident"):
        actions.take_step(ended, Event.REOPEN, agent(joon), note="Wrong.")
    actions.take_step(other, Event.DISMISS, agent(joon), note="A test.")
    actions.take_step(ended, Event.REOPEN, agent(joon), note="Wrong.")
    assert ended.state == State.OPEN


def test_every_state_is_left_by_somebody() -> None:
    for state in State:
        assert any(state in step.sources for step in INCIDENT.transitions), state
