"""Attacks from within: by other tenants, by those who left, by keys that mean something else."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from customers.models import Tenant, User
from escalation import resolving
from escalation.actors import DESK, SENDER, Actor, Role
from escalation.lifecycle import NotAllowed
from escalation.prefixes import parse_prefix
from mailroom.models import Letter
from tests.tickets.factories import admin_of, agent, make_case, make_proof, make_ticket
from tickets import actions, facts, jobs, opening, stations, talking, views
from tickets.lifecycle import Event, Party, State
from tickets.models import Case, Conversation, Draft, Ticket

pytestmark = pytest.mark.django_db

ADDRESS = "198.51.100.25"


@pytest.fixture
def ours(clinic: Tenant) -> Ticket:
    return make_ticket(clinic, ADDRESS)


@pytest.fixture
def theirs(ours: Ticket, school: Tenant) -> Ticket:
    return make_ticket(school, ADDRESS, sender_email="other@bank.example")


def talk(ticket: Ticket, party: Party) -> Conversation:
    return ticket.conversations.select_related("case", "ticket").get(party=party)


def review(case: Case) -> None:
    make_proof(case.prefix)
    actions.take_step(case, Event.PROOF_ON_FILE, DESK)


# -- Keys -----------------------------------------------------------------------------


def test_a_key_of_one_tenant_stands_in_nobody_elses_way(
    ours: Ticket, theirs: Ticket, clinic: Tenant, school: Tenant
) -> None:
    actions.escalate(theirs, admin_of(school), note="Ours first.", key="1")

    actions.escalate(ours, admin_of(clinic), note="Now.", key="1")
    actions.withdraw(ours, admin_of(clinic), key="2")
    actions.withdraw(theirs, admin_of(school), key="2")

    ours.refresh_from_db()
    theirs.refresh_from_db()
    assert ours.case.level == 2
    assert ours.ended_at is not None
    assert theirs.ended_at is not None


def test_no_tenant_can_take_a_key_of_the_desk(ours: Ticket, clinic: Tenant) -> None:
    actions.escalate(ours, admin_of(clinic), note="Mine.", key="wide")

    entry = actions.take_step(ours.case, Event.ESCALATE, DESK, note="Too wide.", key="wide")

    assert entry.role == Role.DESK
    assert entry.note == "Too wide."


def test_no_message_of_a_party_keeps_the_desk_from_speaking(ours: Ticket, clinic: Tenant) -> None:
    letter = Letter.objects.get(recipient=ours.sender_email)
    customer = talk(ours, Party.CUSTOMER)
    actions.say(customer, admin_of(clinic), "hello", key=f"refused:{letter.pk}")
    Letter.objects.filter(pk=letter.pk).update(
        refused_at=timezone.now(), smtp_code=550, smtp_reply="no such user"
    )

    jobs.note_refused_letters()

    assert customer.messages.filter(role=Role.DESK, text__contains="no such user").exists()


# -- Those who have left ----------------------------------------------------------------


def test_who_has_withdrawn_cannot_appeal_for_the_others(
    ours: Ticket, theirs: Ticket, clinic: Tenant, minji: User
) -> None:
    actions.take_step(ours.case, Event.OWNER_DENIED, DESK)
    actions.withdraw(ours, admin_of(clinic))
    actions.take_step(ours.case, Event.REFUSE, agent(minji), note="No.")
    ours.refresh_from_db()

    with pytest.raises(NotAllowed):
        views.take(ours, admin_of(clinic), Event.APPEAL, "Once more.", "k")
    with pytest.raises(NotAllowed):
        actions.take_step(ours.case, Event.APPEAL, SENDER, note="Please.", ticket=ours)


def test_a_reply_of_who_has_left_does_not_end_the_question_to_the_others(
    theirs: Ticket, ours: Ticket, clinic: Tenant, minji: User
) -> None:
    case = ours.case
    review(case)
    actions.withdraw(ours, admin_of(clinic))
    actions.take_step(case, Event.ASK_SENDER, agent(minji), note="What changed?")

    actions.say(talk(ours, Party.SENDER), SENDER, "I am gone.")

    case.refresh_from_db()
    assert case.state == State.AWAITING_SENDER


def test_two_replies_at_once_are_both_kept(ours: Ticket, minji: User) -> None:
    case = ours.case
    review(case)
    actions.take_step(case, Event.ASK_SENDER, agent(minji), note="What changed?")
    one, other = talk(ours, Party.SENDER), talk(ours, Party.SENDER)

    actions.say(one, SENDER, "The password.")
    actions.say(other, SENDER, "And the form.")

    assert one.messages.filter(role=Role.SENDER).count() == 2


# -- What the owner said -----------------------------------------------------------------


@pytest.mark.parametrize("role", ["admin", "sender"])
def test_no_refusal_names_the_owners_answer(ours: Ticket, clinic: Tenant, role: str) -> None:
    actions.take_step(ours.case, Event.OWNER_DENIED, DESK)
    actor: Actor = admin_of(clinic) if role == "admin" else SENDER

    with pytest.raises(NotAllowed) as refusal:
        actions.take_step(ours.case, Event.APPEAL, actor, note="Why?", ticket=ours)

    assert "Owner says no" not in refusal.value.message


def test_the_history_does_not_tell_that_the_owner_agreed_before(clinic: Tenant) -> None:
    case = make_case(tenant=clinic)
    entries = stations.public_entries(case, case.tickets.get())

    told = {stations.public_event(entry) for entry in entries}
    words = {stations.public_label(entry) for entry in entries}
    assert told == {"opened", "owner_was_asked"}
    assert "Proof is on file" not in words


def test_no_tenant_learns_that_another_has_opened_a_newer_case(
    ours: Ticket, clinic: Tenant, school: Tenant
) -> None:
    actions.withdraw(ours, admin_of(clinic))
    make_ticket(school, ADDRESS)
    ours.refresh_from_db()

    with pytest.raises(NotAllowed) as refusal:
        views.take(ours, admin_of(clinic), Event.REOPEN, "", "k")

    assert "newer case" not in refusal.value.message


# -- The desk as a mail cannon --------------------------------------------------------------


def test_one_sender_gets_few_letters_however_many_tickets_name_them(clinic: Tenant) -> None:
    def open_one(number: int) -> None:
        address = f"198.51.100.{number}"
        make_ticket(clinic, address, listed=False, sender_email="V@victim.example")

    for number in range(opening.MOST_FOR_SENDER):
        open_one(number)

    with pytest.raises(opening.TooMany, match="sender"):
        open_one(250)


def test_looking_again_and_again_writes_no_flood_of_letters(clinic: Tenant) -> None:
    ticket = make_ticket(clinic, ADDRESS, listed=False)
    for number in range(30):
        actions.take_step(ticket.case, Event.FOUND_NOT_LISTED, DESK)
        try:
            views.take(ticket, admin_of(clinic), Event.INSIST, "", f"k{number}")
        except NotAllowed:
            break

    assert Letter.objects.filter(recipient=ticket.sender_email).count() <= 12


def test_uploads_that_lead_to_nothing_are_bounded(client: Client, dana: User) -> None:
    client.force_login(dana)
    for _ in range(views.MOST_DRAFTS + 5):
        client.post("/tickets/new/", {"read": "1", "read-bounce": "550 5.7.1 no"})

    assert Draft.objects.count() <= views.MOST_DRAFTS


def test_old_uploads_are_forgotten(clinic: Tenant, dana: User, settings: Any) -> None:
    old = timezone.now() - timedelta(days=2)
    Draft.objects.create(tenant=clinic, user=dana, name="x", content=b"x", made_at=old)

    assert "tickets.jobs.prune_drafts" in settings.HOUSEKEEPING
    jobs.prune_drafts()

    assert not Draft.objects.exists()


# -- Hostile bounces and names -----------------------------------------------------------------

REPORT = base64.encodebytes(
    b"Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; dana@clinic.example\n"
    b"Action: failed\nStatus: 5.7.606\nDiagnostic-Code: smtp; 550 5.7.606 Access denied\x00 \xff"
    b"\xe2\x80\xae [198.51.100.25] " + b"x" * 9000 + b"\n"
).decode()
BOUNCE = f"""From: mailer-daemon@mx.example
Content-Type: multipart/report; report-type=delivery-status; boundary=b
MIME-Version: 1.0

--b
Content-Type: text/plain

failed
--b
Content-Type: message/delivery-status
Content-Transfer-Encoding: base64

{REPORT}
--b
Content-Type: message/rfc822

From: =?utf-8?b?AAE=?={"n" * 600} <accounts@bank.example>
To: dana@clinic.example
Subject: =?utf-8?b?AAE=?=

--b--
"""


def test_a_hostile_bounce_opens_a_ticket_by_the_api(
    clinic: Tenant, client: Client, dana: User
) -> None:
    client.force_login(dana)

    answer = client.post("/api/v1/tickets/", {"bounce": BOUNCE}, content_type="application/json")

    assert answer.status_code in {201, 422}, answer.content
    if answer.status_code == 201:
        ticket = Ticket.objects.get()
        assert "\x00" not in ticket.smtp_reply
        assert len(ticket.sender_name) <= 200
        assert ticket.smtp_reply.isprintable()


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 100_000, '{"prefix": "\\ud800"}'])
def test_a_hostile_document_is_the_callers_mistake(client: Client, dana: User, body: str) -> None:
    client.force_login(dana)
    answer = client.post("/api/v1/tickets/", body, content_type="application/json")
    assert answer.status_code in {400, 422}


def test_no_word_in_the_search_box_breaks_the_desk(desk: Client) -> None:
    for word in ("\x00", "a\x00b", "@\x00", "9" * 400, "é" * 200, "%", "_@"):
        assert desk.get("/desk/tickets/case/", {"q": word}).status_code == 200


def test_what_a_stranger_puts_into_the_dns_fits_a_document() -> None:
    assert resolving.plain("v=spf1 \x00\x1b[2J\u202e -all") == "v=spf1 ??[2J? -all"


def test_no_domain_name_breaks_the_look_up() -> None:
    for domain in ("a" * 70 + ".example", "..", "x" * 300, "xn--\x00", "\udc80.example"):
        assert set(facts.gather(parse_prefix("2001:db8::/64"), domain)) >= {"spf", "dmarc"}


def test_talking_keys_are_as_long_as_they_may_be(ours: Ticket, clinic: Tenant) -> None:
    message = talking.post(talk(ours, Party.CUSTOMER), admin_of(clinic), "hi", key="k" * 120)
    again = talking.post(talk(ours, Party.CUSTOMER), admin_of(clinic), "hi", key="k" * 120)
    assert message.pk == again.pk


# -- What others read ------------------------------------------------------------------------------

HIDING = "fine \u202etxt.exe\u2066 \x1b[2Jgone\x07"


def test_no_words_of_a_party_can_hide_what_they_say(ours: Ticket, clinic: Tenant) -> None:
    ticket = make_ticket(
        clinic,
        "198.51.100.26",
        sender_name=HIDING,
        sender_organisation=HIDING,
        note=HIDING,
        external_reference=HIDING,
        smtp_reply=HIDING,
    )
    message = talking.post(talk(ours, Party.SENDER), SENDER, HIDING)
    entry = actions.escalate(ours, admin_of(clinic), note=HIDING)

    said = [message.text, entry.note, ticket.sender_name, ticket.sender_organisation]
    said += [ticket.note, ticket.external_reference, ticket.smtp_reply]
    assert said == ["fine txt.exe [2Jgone"] * 7


@pytest.mark.parametrize(
    "path",
    [
        "customers/user/?password__startswith=md5",
        "customers/user/?password__regex=.",
        "customers/apikey/?digest__startswith=a",
        "customers/apikey/?user__password__startswith=a",
        "customers/tenant/?memberships__user__password__startswith=a",
    ],
)
def test_no_agent_guesses_a_secret_letter_by_letter(desk: Client, path: str) -> None:
    assert desk.get(f"/desk/{path}").status_code in {302, 400}


def test_who_left_learns_nothing_of_those_who_still_wait(
    ours: Ticket, theirs: Ticket, clinic: Tenant, dana: User, client: Client
) -> None:
    actions.withdraw(ours, admin_of(clinic))
    review(ours.case)
    client.force_login(dana)

    told = client.get(f"/api/v1/tickets/{ours.pk}/").json()
    history = client.get(f"/api/v1/tickets/{ours.pk}/history/").json()
    page = client.get(f"/tickets/{ours.pk}/").content.decode()
    found = {
        state: len(client.get(f"/api/v1/tickets/?state={state}").json()["results"])
        for state in ("in_review", "withdrawn")
    }

    ours.refresh_from_db()
    assert told["state"] == "withdrawn"
    assert told["turn"] == Party.NOBODY
    assert parse_datetime(told["state_since"]) == ours.ended_at
    assert [entry["event"] for entry in history] == ["opened"]
    assert "Waiting for the desk" not in page
    assert found == {"in_review": 0, "withdrawn": 1}


def test_who_ended_last_sees_the_end_of_the_case(
    ours: Ticket, clinic: Tenant, dana: User, client: Client
) -> None:
    actions.withdraw(ours, admin_of(clinic))
    client.force_login(dana)

    history = client.get(f"/api/v1/tickets/{ours.pk}/history/").json()

    assert [entry["event"] for entry in history] == ["opened", "withdraw"]
    assert "Open again" in client.get(f"/tickets/{ours.pk}/").content.decode()
