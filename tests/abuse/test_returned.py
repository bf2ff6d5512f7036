"""What is no report, though a report or a message is in it: mail from robots, lists and forms."""

from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest

from abuse.reading import read
from tests.abuse.test_reading import FIELDS, JUNK, arf, mail, part

ENCLOSED = part("message/rfc822", JUNK)
AS_TEXT = mail(MIMEText(f"What you sent us was:\n\n{FIELDS}\n\n{JUNK}"))
BY_SUBJECT = mail(ENCLOSED, subject="Re: complaint about message from 192.0.2.9")
WHOLE = mail(MIMEText("This is what you sent."), part("message/rfc822", arf().decode()))
STATUS = "Reporting-MTA: dns; host.example\n\nAction: failed\nStatus: 5.1.1\n"

BOUNCED = ["Return-Path: <>", "Return-Path: <MAILER-DAEMON@host.example>"]
ANSWERED = ["Auto-Submitted: auto-replied", "X-Autoreply: yes", "Precedence: auto_reply"]


def headed(line: str, raw: bytes) -> bytes:
    return f"{line}\n".encode() + raw


@pytest.mark.parametrize("line", [*BOUNCED, *ANSWERED])
@pytest.mark.parametrize(
    ("raw", "form"),
    [(AS_TEXT, "arf"), (BY_SUBJECT, "jmrp"), (WHOLE, "arf"), (mail(ENCLOSED), "rfc822")],
    ids=["a report as text", "a complaint", "a report as it was", "a message"],
)
def test_what_a_robot_sends_back_or_answers_reports_nothing(
    line: str, raw: bytes, form: str
) -> None:
    found = read(headed(line, raw))

    assert (read(raw).kind, read(raw).format) == ("feedback", form)
    assert (found.kind, found.format) == ("plain" if line in BOUNCED else "notice", "")


@pytest.mark.parametrize("raw", [AS_TEXT, BY_SUBJECT, WHOLE, mail(ENCLOSED)])
def test_a_mail_that_names_failed_recipients_came_back(raw: bytes) -> None:
    assert read(headed("X-Failed-Recipients: kim@host.example", raw)).kind == "plain"


@pytest.mark.parametrize(
    "copy",
    [
        part("text/plain", FIELDS),
        part("text/plain", arf().decode()),
        part("message/rfc822", arf().decode()),
        part("text/rfc822-headers", JUNK.partition("\n\n")[0]),
    ],
    ids=["its fields", "its text", "whole", "headers of a message"],
)
@pytest.mark.parametrize("subject", ["failed", "Failed: complaint about message from 192.0.2.9"])
def test_a_status_of_delivery_says_that_what_is_beside_it_came_back(
    copy: MIMEText, subject: str
) -> None:
    parts = (MIMEText("Not delivered."), part("text/x-status", STATUS), copy)
    raw = mail(*parts, subtype="report", subject=subject)

    assert read(raw).kind == "feedback"
    assert read(raw.replace(b"text/x-status", b"message/delivery-status")).kind == "plain"


def test_a_report_with_the_null_path_is_one_by_its_part() -> None:
    assert read(headed("Return-Path: <>", arf())).format == "arf"


# -- Lists ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line", ["Precedence: bulk", "Precedence: Junk", "X-List-Administrivia: yes"]
)
def test_a_message_that_list_software_hands_on_is_not_reported(line: str) -> None:
    raw = mail(MIMEText("This waits for your approval."), ENCLOSED)

    assert (read(raw).kind, read(raw).format) == ("feedback", "rfc822")
    assert (read(headed(line, raw)).kind, read(headed(line, raw)).format) == ("notice", "")


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("Precedence: list", "notice"),
        ("List-Id: Garden <garden.lists.example>", "notice"),
        ("X-Mailer: Test/1", "feedback"),  # a person, who passes a digest on
    ],
)
def test_a_digest_of_a_list_is_no_report(line: str, kind: str) -> None:
    digest = MIMEMultipart("digest")
    digest.attach(ENCLOSED)

    assert read(headed(line, mail(MIMEText("Topics: 1. Buy now"), digest))).kind == kind


@pytest.mark.parametrize("line", ["Precedence: bulk", "Precedence: list", "List-Id: <fbl.a.b>"])
def test_a_report_stays_one_though_it_comes_over_a_list(line: str) -> None:
    assert read(headed(line, arf())).format == "arf"


def test_a_report_that_is_itself_reported_is_the_message_and_not_the_report() -> None:
    inner = arf(FIELDS.replace("192.0.2.40", "203.0.113.9")).decode()
    named = f"Message-ID: <report-1@far.example>\n{inner}"

    found = read(arf().replace(JUNK.encode(), named.encode()))

    assert found.feedback.source_address == "192.0.2.40"
    assert found.message_id == "report-1@far.example"


# -- Words ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("feedback_type", "kind"),
    [
        ("Suggestion", "plain"),
        ("complaints", "plain"),
        ("abuse", "feedback"),
        ("Other", "feedback"),
    ],
)
def test_a_form_in_the_web_with_fields_of_such_names_is_no_report(
    feedback_type: str, kind: str
) -> None:
    form = (
        f"Name: Kim\nFeedback-Type: {feedback_type}\nUser-Agent: Mozilla/5.0 (X11; Linux)\n"
        "Version: 3.2.1\nMessage: Make the menu larger.\n"
    )

    assert read(mail(MIMEText(form))).kind == kind
