"""The case page: evidence, conversations, steps, claims, and who may see it."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from customers.models import Tenant, User
from escalation import prefixes
from escalation.actors import DESK, SENDER
from mailroom.models import Letter
from ownership.models import Contact, Inquiry, Network, NetworkContact, Request, Rung
from tests.factories import make_tenant
from tests.tickets.desk import page
from tests.tickets.factories import agent, make_case, make_listing, make_proof, make_ticket
from tickets import actions, talking
from tickets.desk import evidence, talks
from tickets.lifecycle import Event, Party
from tickets.models import Attachment, Case, Message

pytestmark = pytest.mark.django_db


# -- Who may be here ---------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "1/change/", "1/history/", "1/files/1/", "many/", "1/step/"])
def test_a_customer_learns_nothing_of_the_desk(client: Client, dana: User, path: str) -> None:
    make_case()
    client.force_login(dana)

    response = client.get(f"/desk/tickets/case/{path}", follow=True)

    assert response.status_code == 404


def test_whoever_is_not_signed_in_is_sent_to_sign_in(client: Client) -> None:
    case = make_case()

    response = client.get(case.get_absolute_url(), follow=True)

    assert response.redirect_chain[-1][0].startswith("/account/login/")


@pytest.mark.parametrize("path", ["add/", "{pk}/delete/"])
def test_nobody_adds_or_deletes_a_case(client: Client, root: User, path: str) -> None:
    case = make_case()
    client.force_login(root)

    response = client.get(f"/desk/tickets/case/{path}".format(pk=case.pk))

    assert response.status_code == 404


def test_a_case_that_is_not_there_is_not_found(desk: Client) -> None:
    assert desk.get("/desk/tickets/case/99999/change/").status_code == 404
    assert desk.get("/desk/tickets/case/abc/change/").status_code == 404


@pytest.mark.parametrize("path", ["step/", "propose/", "say/0/"])
def test_looking_changes_nothing(desk: Client, path: str) -> None:
    case = make_case()
    entries = case.entries.count()

    response = desk.get(f"/desk/tickets/case/{case.pk}/{path}")

    assert response.status_code == 302
    assert case.entries.count() == entries
    assert not Message.objects.filter(conversation__party=Party.DESK).exists()


# -- What it shows -----------------------------------------------------------------


def test_the_page_takes_as_many_queries_for_30_tickets_as_for_1(desk: Client) -> None:
    case = make_case(prefix="203.0.113.9")
    page(desk, case)
    with CaptureQueriesContext(connection) as one:
        page(desk, case)
    for _number in range(29):
        make_ticket(prefix="203.0.113.9")
    with CaptureQueriesContext(connection) as thirty:
        page(desk, case)

    assert case.tickets.count() == 30
    assert len(thirty) == len(one)


def test_agents_see_what_the_owner_answered(desk: Client) -> None:
    case = make_case(proved=False, reviewed=False)
    actions.take_step(case, Event.OWNER_DENIED, DESK)

    assert "Owner says no" in page(desk, case)


def test_the_registry_answer_and_the_ladder_say_why_a_contact_was_asked(desk: Client) -> None:
    case = make_case()
    _ask_owner(case)

    shown = page(desk, case)

    assert "Example Hosting" in shown
    assert "203.0.113.0/26" in shown
    assert "noc@hosting.example" in shown
    assert "roles: technical" in shown
    assert "score 40" in shown
    assert "rdap.example" in shown
    assert "f" * 64 in shown


def _ask_owner(case: Case) -> Request:
    first, last = prefixes.keys(prefixes.parse_prefix("203.0.113.0/26"))
    network = Network.objects.create(
        first=first,
        last=last,
        handle="NET",
        registry="rdap.example",
        organisation="Example Hosting",
        url="https://rdap.example/ip/203.0.113.9",
        sha256="f" * 64,
        read_at=timezone.now(),
    )
    contact = Contact.objects.create(email="noc@hosting.example")
    NetworkContact.objects.create(
        network=network, contact=contact, position=0, score=40, roles=["technical"]
    )
    case.inquiry = Inquiry.objects.create(
        prefix=case.prefix, first=case.first, last=case.last, network=network
    )
    case.save(update_fields=["inquiry"])
    request = Request.objects.create(
        network=network, contact=contact, expires_at=timezone.now() + timedelta(days=14)
    )
    Rung.objects.create(inquiry=case.inquiry, request=request, position=0, why=Rung.Why.FIRST)
    return request


def test_none_in_the_dns_and_no_answer_of_the_dns_are_told_apart(desk: Client) -> None:
    case = make_case()
    case.facts = {
        "dns": {
            "reverse": {"found": ["mail.bank.example"]},
            "spf": {"found": []},
            "dmarc": {"failed": "LifetimeTimeout"},
        }
    }
    case.save(update_fields=["facts"])

    looks = {fact["label"]: fact["look"] for fact in evidence.dns(case.facts["dns"])}
    shown = page(desk, case)

    assert looks == {"Reverse name": "found", "SPF": "none", "DMARC": "failed"}
    assert "could not look up" in shown
    assert "mail.bank.example" in shown


def test_a_bounce_is_shown_as_text_cut_and_to_be_downloaded(desk: Client) -> None:
    case = make_case()
    bounce = b"Subject: <script>alert(1)</script>\r\n\r\n" + b"x" * 9000
    ticket = make_ticket(prefix=case.prefix, bounce=bounce, bounce_name="bounce.eml")

    shown = page(desk, case)
    file = Attachment.objects.get(message__conversation__ticket=ticket)
    download = desk.get(f"/desk/tickets/case/{case.pk}/files/{file.pk}/")

    assert "&lt;script&gt;alert(1)" in shown
    assert "<script>alert" not in shown
    assert shown.count("x" * 100) < 9000 / 100
    assert "[…]" in shown
    assert download.content == bounce
    assert download["Content-Disposition"].startswith("attachment")


def test_a_file_of_another_case_is_not_found_under_this_one(desk: Client) -> None:
    case, other = make_case(), make_case(bounce=b"Subject: x\r\n\r\nx", bounce_name="b.eml")
    file = Attachment.objects.get(message__conversation__case=other)

    assert desk.get(f"/desk/tickets/case/{case.pk}/files/{file.pk}/").status_code == 404


def test_the_page_has_no_inline_script_and_no_inline_style(desk: Client) -> None:
    for shown in (page(desk, make_case()), desk.get("/desk/tickets/case/").content.decode()):
        assert "<style" not in shown
        assert " style=" not in shown
        assert "<script>" not in shown
        assert "onclick" not in shown


def case_about(prefix: str) -> Case:
    return Case(prefix=str(prefixes.parse_prefix(prefix)))


def test_a_wide_range_says_how_much_an_approval_touches() -> None:
    make_listing("203.0.113.0/25")
    make_listing("203.0.113.9")

    over = evidence.reach(case_about("203.0.113.8/30"))
    wide = evidence.reach(case_about("2001:db8::/40"))

    assert (over["shown"], over["inside"]) == ("4", 1)
    assert [str(listing) for listing in over["wider"]] == ["203.0.113.0/25"]
    assert wide["shown"] == "2^88"
    assert wide["two_agents"]


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("203.0.113.0", "203.0.113.63", "203.0.113.0/26"),
        ("203.0.113.0", "203.0.113.62", "203.0.113.0 – 203.0.113.62"),
        ("203.0.113.32", "203.0.113.95", "203.0.113.32 – 203.0.113.95"),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::/32"),
        ("203.0.113.9", "203.0.113.9", "203.0.113.9"),
    ],
)
def test_a_range_is_written_as_a_prefix_where_it_is_one(first: str, last: str, words: str) -> None:
    keys = [prefixes.key(prefixes.parse_address(text)) for text in (first, last)]

    assert evidence.shown_range(*keys) == words


def test_the_history_is_cut_on_the_page_and_whole_behind_its_link(
    desk: Client, monkeypatch: pytest.MonkeyPatch, minji: User
) -> None:
    monkeypatch.setattr("tickets.desk.history.SHOWN", 3)
    case = make_case()
    for number in range(4):
        event = Event.RELEASE if number % 2 else Event.CLAIM
        actions.take_step(case, event, agent(minji), note=f"note {number}")

    shown = desk.get(case.get_absolute_url())
    whole = desk.get(f"/desk/tickets/case/{case.pk}/history/")
    older = desk.get(f"/desk/tickets/case/{case.pk}/history/{whole.context['page'].older}")

    assert [row["entry"].note for row in shown.context["entries"]] == ["note 3", "note 2", "note 1"]
    assert f"/desk/tickets/case/{case.pk}/history/" in shown.content.decode()
    assert "note 0" in older.content.decode()
    assert "A ticket was opened" in older.content.decode()


# -- Conversations -----------------------------------------------------------------


def test_each_party_has_its_own_conversation_with_its_name_above(
    desk: Client, clinic: Tenant
) -> None:
    case = make_case(tenant=clinic, sender_email="postmaster@bank.example")

    shown = page(desk, case)

    assert "To the <b>customer</b> Clinic" in shown
    assert "To the <b>sender</b> postmaster@bank.example" in shown
    assert "Send to the customer" in shown
    assert "Send to the sender" in shown


@pytest.mark.parametrize("party", [Party.CUSTOMER, Party.SENDER])
def test_a_message_reaches_the_party_under_whose_name_it_was_written(
    desk: Client, minji: User, party: Party
) -> None:
    case = make_case()
    talk = case.conversations.get(party=party)
    given = {"text": "What did you change?", "key": "say-1"}

    for _try in range(2):
        response = desk.post(f"/desk/tickets/case/{case.pk}/say/{talk.pk}/", given)

    assert response.status_code == 302
    message = Message.objects.get(text="What did you change?")
    assert (message.conversation, message.user) == (talk, minji)
    assert Letter.objects.filter(key=f"message:{message.pk}").count() == 1


def test_a_note_of_the_desk_goes_out_to_nobody(desk: Client) -> None:
    case = make_case()
    letters = Letter.objects.count()

    desk.post(f"/desk/tickets/case/{case.pk}/say/0/", {"text": "Third time.", "key": "say-1"})

    message = Message.objects.get(text="Third time.")
    assert message.conversation.party == Party.DESK
    assert Letter.objects.count() == letters
    assert "Third time." in page(desk, case)


def test_an_empty_message_is_refused_beside_its_own_form(desk: Client) -> None:
    case = make_case()
    talk = case.conversations.get(party=Party.SENDER)

    response = desk.post(f"/desk/tickets/case/{case.pk}/say/{talk.pk}/", {"text": "", "key": "k"})

    assert response.status_code == 422
    assert response.content.decode().count("Not done yet.") == 1


def test_nothing_can_be_said_in_a_conversation_of_another_case(desk: Client) -> None:
    case, other = make_case(), make_case()
    talk = other.conversations.get(party=Party.SENDER)

    response = desk.post(
        f"/desk/tickets/case/{case.pk}/say/{talk.pk}/", {"text": "Hello", "key": "k"}
    )

    assert response.status_code == 404
    assert not Message.objects.filter(text="Hello").exists()


def test_only_the_latest_messages_of_a_conversation_are_shown(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talks, "SHOWN_MESSAGES", 2)
    case = make_case()
    talk = case.conversations.select_related("ticket").get(party=Party.SENDER)
    for number in range(4):
        talking.post(talk, SENDER, f"word {number}")

    shown = page(desk, case)

    assert "word 0" not in shown
    assert shown.index("word 2") < shown.index("word 3")
    assert "Only the latest messages are shown." in shown


def test_the_other_tickets_are_a_link_away(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talks, "SHOWN_TICKETS", 1)
    case = make_case(prefix="203.0.113.9", sender_email="first@bank.example")
    old = case.tickets.get()
    make_ticket(make_tenant(), prefix="203.0.113.9", sender_email="second@bank.example")

    shown = page(desk, case)
    there = page(desk, case, f"?ticket={old.pk}")

    assert "Message to second@bank.example" in shown
    assert f"?ticket={old.pk}#ticket-{old.pk}" in shown
    assert "Message to first@bank.example" in there


def test_an_upload_of_ours_is_sent_with_the_message(desk: Client) -> None:
    case = make_case()
    talk = case.conversations.get(party=Party.CUSTOMER)

    desk.post(
        f"/desk/tickets/case/{case.pk}/say/{talk.pk}/",
        {
            "text": "See the file.",
            "key": "k",
            "files": SimpleUploadedFile("how-to.txt", b"Do this."),
        },
    )

    assert Attachment.objects.get(name="how-to.txt").message.conversation == talk


def test_a_proof_that_has_ended_is_shown_as_such(desk: Client) -> None:
    case = make_case(proved=False, reviewed=False)
    proof = make_proof(case.prefix)
    proof.expires_at = timezone.now() - timedelta(days=1)
    proof.save()

    assert "Expired:" in page(desk, case)
