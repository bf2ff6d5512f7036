"""Letters that come back: only by the address that we gave them, and only for good."""

from typing import Any

import pytest
from django.utils import timezone

from mailroom import jobs
from mailroom.actions import send_again
from mailroom.models import Channel, Letter, Purpose, Received
from mailroom.receiving import store
from tests.mailroom.factories import make_letter

pytestmark = pytest.mark.django_db

DSN = """\
From: MAILER-DAEMON@mx.far.example
To: {to}
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=cut

--cut
Content-Type: text/plain

Your mail could not be delivered.
--cut
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.far.example

Final-Recipient: rfc822; pat@far.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 No such user here
--cut--
"""


@pytest.fixture
def letter() -> Letter:
    letter = make_letter(nudge="cases")
    Letter.objects.filter(pk=letter.pk).update(accepted_at=timezone.now(), due_at=None)
    letter.refresh_from_db()
    return letter


def comes_back(to: str, action: str = "failed", mail_from: str = "", **words: Any) -> Received:
    raw = DSN.format(to=to, action=action, status=words.get("status", "5.1.1")).encode()
    row, _new = store(
        raw, purpose=Purpose.BOUNCE, channel=Channel.LMTP, recipient=to, mail_from=mail_from
    )
    jobs.sweep_bounces()
    row.refresh_from_db()
    return row


def test_a_letter_that_comes_back_counts_as_refused(letter: Letter) -> None:
    mail = comes_back(letter.envelope_sender)
    letter.refresh_from_db()
    assert letter.status == "bounced"
    assert letter.accepted_at is None
    assert letter.refused_at is not None
    assert (letter.smtp_code, letter.smtp_reply) == (550, "550 5.1.1 No such user here")
    assert mail.due_at is None


def test_a_letter_that_came_back_can_be_sent_again(letter: Letter) -> None:
    comes_back(letter.envelope_sender)
    letter.refresh_from_db()
    send_again(letter)
    letter.refresh_from_db()
    assert letter.due_at is not None
    assert letter.status != "bounced"


@pytest.mark.parametrize("action", ["delayed", "relayed", "delivered", "expanded"])
def test_what_is_only_delayed_changes_nothing(letter: Letter, action: str) -> None:
    comes_back(letter.envelope_sender, action, status="4.4.1")
    letter.refresh_from_db()
    assert letter.status == "accepted"


def test_nobody_else_can_make_a_letter_come_back(letter: Letter) -> None:
    forged = f"bounce+{letter.pk}-{'0' * 16}@mail.example"
    comes_back(forged)
    comes_back(f"bounce+{letter.pk}@mail.example")
    comes_back(letter.envelope_sender, mail_from="pat@far.example")
    letter.refresh_from_db()
    assert letter.status == "accepted"


def test_a_letter_comes_back_once(letter: Letter) -> None:
    comes_back(letter.envelope_sender)
    first = Letter.objects.get(pk=letter.pk).bounced_at
    comes_back(letter.envelope_sender, status="5.2.2")
    assert Letter.objects.get(pk=letter.pk).bounced_at == first


def test_one_that_cannot_be_read_stands_in_unread(letter: Letter) -> None:
    raw = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 5000
    row, _new = store(
        raw, purpose=Purpose.BOUNCE, channel=Channel.LMTP, recipient=letter.envelope_sender
    )
    jobs.sweep_bounces()
    row.refresh_from_db()
    assert (row.unread, row.due_at) == ("too-many-parts", None)
