"""The letters to tenants and to feedback loops: each says what it is about and what to do."""

import pytest
from django.conf import settings
from django.utils import timezone

from abuse import actions, emails, loops
from abuse.lifecycle import Event, State
from abuse.models import Incident
from customers.models import Tenant, User
from escalation.actors import Actor, Role
from mailroom import outgoing
from mailroom.models import Letter
from tests.abuse.factories import make_incident, make_loop, make_report

pytestmark = pytest.mark.django_db


def agent(user: User) -> Actor:
    return Actor(Role.AGENT, user, level=user.level)


def newest() -> Letter:
    return Letter.objects.latest("pk")


def flat(letter: Letter) -> str:
    return " ".join(letter.body.split())


@pytest.fixture
def incident(clinic: Tenant, dana: User) -> Incident:
    """Dana reads English; the incident has voices of each kind, and a report to show."""
    found = make_incident(clinic, enrolled=2, anonymous=5, claims=9, feedback_class="fraud")
    make_report(clinic, found)
    return found


def test_the_warning_says_what_is_reported_by_how_many_and_where_to_answer(
    incident: Incident, joon: User
) -> None:
    actions.take_step(incident, Event.WARN, agent(joon), note="Only for colleagues.")
    letter = newest()
    assert letter.subject == "Your mail is reported: please look into it"
    for words in (
        "Clinic", "Reported as: fraud", "counted once a day: 2", "counted once a day: 5",
        "lead to nothing: 9", "A sample is attached", "Find the account",
    ):  # fmt: skip
        assert words in flat(letter), words
    assert f"{settings.POSTERN_URL}/junk/{incident.pk}/" in outgoing.message(letter).body
    assert "Only for colleagues" not in letter.body


def test_the_letter_that_asks_says_by_when_and_what_the_desk_wrote(
    incident: Incident, joon: User
) -> None:
    actions.take_step(incident, Event.ASK, agent(joon), note="Who is news@?")
    letter = newest()
    assert "your statement is needed" in letter.subject
    assert "Who is news@?" in letter.body
    assert incident.answer_until is not None
    assert f"{incident.answer_until:%H:%M} UTC" in flat(letter)
    assert "Your statement is due" in flat(letter)


def test_without_a_report_that_is_proved_no_sample_is_spoken_of(
    clinic: Tenant, dana: User, joon: User
) -> None:
    incident = make_incident(clinic)
    make_report(clinic, incident, strength="D")
    actions.take_step(incident, Event.WARN, agent(joon))
    assert "sample" not in newest().body
    assert newest().feedback == ""
    assert "lead to nothing" not in flat(newest())


@pytest.mark.parametrize(
    ("state", "event", "appealed", "subject", "words"),
    [
        (State.ASKED, Event.RESTRICT, False, "Your sending is restricted", "appeal there"),
        (State.RESTRICTED, Event.UPHOLD, True, "stays restricted", "appeal again there"),
        (State.RESTRICTED, Event.RELEASE, True, "no longer restricted", "you can send as before"),
    ],
)
def test_the_letters_about_a_restriction_carry_the_desks_reason(
    incident: Incident, root: User, state: str, event: str, appealed: bool, subject: str,
    words: str,
) -> None:  # fmt: skip
    moment = timezone.now() if appealed else None
    Incident.objects.filter(pk=incident.pk).update(state=state, appealed_at=moment)
    actions.take_step(incident, event, agent(root), note="Because of the logs.")
    letter = newest()
    assert subject in letter.subject
    assert words in flat(letter)
    assert "Because of the logs." in letter.body


@pytest.mark.parametrize(
    ("event", "subject"), [(Event.RESOLVE, "have ended"), (Event.DISMISS, "came to nothing")]
)
def test_an_end_is_told_and_the_desks_note_stays_at_the_desk(
    incident: Incident, joon: User, event: str, subject: str
) -> None:
    actions.take_step(incident, Event.WARN, agent(joon))
    actions.take_step(incident, event, agent(joon), note="A known grumbler.")
    letter = newest()
    assert subject in letter.subject
    assert "nothing left to do" in flat(letter)
    assert "grumbler" not in letter.body


def test_every_letter_says_why_it_came_and_names_no_reporter(
    incident: Incident, joon: User
) -> None:
    actions.take_step(incident, Event.WARN, agent(joon))
    letter = newest()
    assert "because you are an admin" in flat(letter)
    whole = outgoing.message(letter).message().as_string()
    assert "pat@" not in whole


def test_a_copy_for_a_feedback_loop_is_a_report_that_names_nobody(clinic: Tenant) -> None:
    letter = emails.loop_copy(make_loop(clinic), make_report(clinic))
    assert letter.subject == "Feedback loop: a report about mail signed by clinic.example (junk)"
    assert "Reported as: junk" in letter.body
    assert "From address: 192.0.2.10" in letter.body
    mail = outgoing.message(letter).message()
    assert mail.get_content_type() == "multipart/report"
    assert "pat@" not in mail.as_string()


def test_a_copy_with_nothing_known_says_no_empty_facts(clinic: Tenant) -> None:
    letter = emails.loop_copy(make_loop(clinic), make_report(clinic, source_address=None))
    assert "From address" not in letter.body
    assert "arrived" not in letter.body


def test_whoever_asks_for_a_loop_is_told_where_to_send_the_proof(db: None) -> None:
    loop, token = loops.ask("far.example", "fbl@far.example")
    letter = newest()
    text = outgoing.message(letter).body
    assert letter.subject == "Feedback loop for far.example: show that it is yours"
    assert f"fbl+{loop.challenge}@{settings.POSTERN_LETTER_DOMAIN}" in text
    assert "d=far.example" in text
    assert f"/report/loop/{token}/" in text


def test_the_first_letter_of_a_loop_has_the_link_that_ends_it(clinic: Tenant) -> None:
    loop = loops.subscribe(clinic, "news.clinic.example", "fbl@clinic.example")
    text = outgoing.message(newest()).body
    assert "news.clinic.example: the copies begin" in newest().subject
    assert f"/report/loop/{loops.token(loop)}/" in text
