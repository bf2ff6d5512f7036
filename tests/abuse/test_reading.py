"""Reports of every kind, as they really come; and what is none, however it looks."""

import json
from base64 import encodebytes
from email.message import EmailMessage
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import example, given
from hypothesis import strategies as st

from abuse.fields import MOST, fields_of
from abuse.reading import MAX_BYTES, read
from mailroom.diagnosis import EMPTY, TOO_DEEP, TOO_LARGE, TOO_MANY_HEADERS, TOO_MANY_PARTS

REPORTS = Path(__file__).parents[3] / "shared/corpora/reports"
JUNK = (
    "Received: from mx.school.example by mx.reader.example; Tue, 24 Nov 2026 09:00:00 +0000\n"
    "From: Sales <sales@school.example>\nTo: reader@reader.example\nSubject: Buy now\n"
    "Message-ID: <junk-1@school.example>\n\nBuy now!\n"
)
FIELDS = (
    "Feedback-Type: abuse\nUser-Agent: Reader/1.0\nVersion: 1\n"
    "Source-IP: 192.0.2.40\nOriginal-Mail-From: <sales@school.example>\n"
    "Original-Rcpt-To: <reader@reader.example>\nArrival-Date: Tue, 24 Nov 2026 09:00:00 +0000\n"
    "Reported-Domain: School.example\nReporting-MTA: dns; mx.reader.example\n"
)


def part(kind: str, text: str, encoding: str = "7bit") -> MIMEBase:
    made = MIMEBase(*kind.split("/"))
    made.set_payload(text)
    made["Content-Transfer-Encoding"] = encoding
    return made


def mail(*parts: Any, subtype: str = "mixed", subject: str = "report", **headers: str) -> bytes:
    made = MIMEMultipart(subtype)
    made["From"], made["To"], made["Subject"] = "fbl@reader.example", "junk@mail.example", subject
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    for one in parts:
        made.attach(one)
    return made.as_bytes()


def arf(fields: str = FIELDS, original: str = "message/rfc822") -> bytes:
    return mail(
        MIMEText("A reader says that this is junk."),
        part("message/feedback-report", fields),
        part(original, JUNK),
        subtype="report",
    )


def test_a_report_by_the_standard_says_all_that_it_holds() -> None:
    found = read(arf())

    assert (found.kind, found.format) == ("feedback", "arf")
    told = found.feedback
    assert told.feedback_type == "abuse"
    assert told.source_address == "192.0.2.40"
    assert told.original_mail_from == "sales@school.example"
    assert told.original_rcpt_to == ("reader@reader.example",)
    assert told.reported_domain == ("school.example",)
    assert told.reporting_mta == "mx.reader.example"
    assert told.arrival_date == "Tue, 24 Nov 2026 09:00:00 +0000"
    assert found.message_id == "junk-1@school.example"


@pytest.mark.parametrize("original", ["message/rfc822", "text/rfc822-headers", "message/global"])
def test_the_reported_message_may_come_whole_or_as_headers(original: str) -> None:
    assert read(arf(original=original)).message_id == "junk-1@school.example"


@pytest.mark.parametrize(
    ("change", "name", "value"),
    [
        (("Source-IP: 192.0.2.40", "Source-IP: [IPv6:2001:DB8::1]"), "source_address",
         "2001:db8::1"),
        (("Source-IP: 192.0.2.40", "Source-IP: 192.0.2.40 (mx.school.example)"), "source_address",
         "192.0.2.40"),
        (("Source-IP: 192.0.2.40\n", ""), "source_address", ""),
        (("Source-IP: 192.0.2.40", "Source-IP: unknown"), "source_address", ""),
        (("Feedback-Type: abuse", "feedback-type:ABUSE"), "feedback_type", "abuse"),
        (("Feedback-Type: abuse", "Feedback-Type: opt-out-list"), "feedback_type", "opt-out-list"),
        (("Feedback-Type: abuse", "Feedback-Type: abuse\nFeedback-Type: fraud"), "feedback_type",
         "abuse"),
        (("Arrival-Date:", "Received-Date:"), "arrival_date", "Tue, 24 Nov 2026 09:00:00 +0000"),
        (("Version: 1", "Version: V0.01"), "version", "V0.01"),
        (("Original-Mail-From: <sales@school.example>", "Original-Mail-From: <>"),
         "original_mail_from", ""),
        (("Reported-Domain: School.example", "Reported-Domain:\n  folded.example"),
         "reported_domain", ("folded.example",)),
        (("Original-Rcpt-To: <reader@reader.example>",
          "Original-Rcpt-To: a@x.example\nOriginal-Rcpt-To: rfc822; b@x.example"),
         "original_rcpt_to", ("a@x.example", "b@x.example")),
        (("Version: 1", "Version: 1\nIncidents: 99999"), "incidents", 1000),
        (("Version: 1", "Version: 1\nIncidents: many"), "incidents", 1),
        (("Feedback-Type: abuse", "Feedback-Type: auth-failure\nAuth-Failure: DMARC"),
         "auth_failure", "dmarc"),
    ],
)  # fmt: skip
def test_fields_are_read_as_they_come(change: tuple[str, str], name: str, value: object) -> None:
    assert getattr(read(arf(FIELDS.replace(*change))).feedback, name) == value


def test_a_report_in_base64_and_one_without_its_report_type() -> None:
    encoded = part("message/feedback-report", FIELDS)
    encoded.set_payload(encodebytes(FIELDS.encode()).decode())
    encoded.replace_header("Content-Transfer-Encoding", "base64")

    found = read(mail(MIMEText("x"), encoded, part("message/rfc822", JUNK), subtype="mixed"))

    assert found.feedback.source_address == "192.0.2.40"


def test_a_report_that_a_gateway_has_made_text_of() -> None:
    found = read(mail(MIMEText(f"This is a report.\n\n{FIELDS}\n\n{JUNK}")))

    assert (found.kind, found.format) == ("feedback", "arf")
    assert found.feedback.source_address == "192.0.2.40"


def test_a_report_behind_the_message_it_is_about() -> None:
    found = read(
        mail(
            part("message/rfc822", JUNK), part("message/feedback-report", FIELDS), subtype="report"
        )
    )

    assert found.format == "arf"
    assert found.message_id == "junk-1@school.example"


def test_a_hotmail_complaint_names_the_address_in_its_subject() -> None:
    found = read(
        mail(part("message/rfc822", JUNK), subject="complaint about message from 192.0.2.9")
    )

    assert (found.kind, found.format) == ("feedback", "jmrp")
    assert found.feedback.source_address == "192.0.2.9"


@pytest.mark.parametrize("kind", ["message/rfc822", "application/octet-stream"])
def test_a_message_that_a_person_attaches(kind: str) -> None:
    attached = part(kind, JUNK)
    attached.add_header("Content-Disposition", "attachment", filename="junk.eml")

    found = read(mail(MIMEText("see below"), attached))

    assert (found.kind, found.format) == ("feedback", "rfc822")
    assert found.message_id == "junk-1@school.example"
    assert found.feedback.source_address == ""  # nothing is guessed from the copied message


V4 = {
    "xarf_version": "4.0.0", "category": "messaging", "type": "spam", "timestamp": "2026-11-24",
    "source_identifier": "192.0.2.40", "smtp_from": "sales@school.example",
    "message_id": "<junk-1@school.example>",
}  # fmt: skip
V3: dict[str, Any] = {
    "Version": "2",
    "Report": {"ReportType": "Spam", "Date": "2026-11-24", "Source": {"IP": "192.0.2.40"}},
}


@pytest.mark.parametrize("data", [V4, V3], ids=["v4", "v3"])
def test_xarf_in_json(data: dict[str, Any]) -> None:
    found = read(mail(MIMEText("x"), part("application/json", json.dumps(data)), X_XARF="PLAIN"))

    assert (found.kind, found.format) == ("feedback", "xarf")
    assert found.feedback.source_address == "192.0.2.40"


def test_xarf_names_the_message_where_none_is_enclosed() -> None:
    found = read(mail(MIMEText("x"), part("application/json", json.dumps(V4))))

    assert found.message_id == "junk-1@school.example"
    assert found.feedback.original_mail_from == "sales@school.example"


def test_xarf_about_something_else_than_mail_is_a_notice() -> None:
    data = {**V4, "category": "connection", "type": "login_attack"}
    lines = MIMEText(
        "Reported-From: x\nCategory: abuse\nReport-Type: login-attack\nSource: 192.0.2.7"
    )

    found = read(mail(part("application/json", json.dumps(data))))
    assert (found.kind, found.format) == ("notice", "xarf")
    old = read(mail(MIMEText("Dear"), lines, X_ARF="yes"))
    assert (old.kind, old.feedback.source_address) == ("notice", "192.0.2.7")


# -- What is no report -------------------------------------------------------------------------


def test_a_bounce_is_no_report_about_the_mail_in_it() -> None:
    status = "Reporting-MTA: dns; x\n\nAction: failed\nStatus: 5.1.1\n"
    bounce = mail(MIMEText("x"), part("text/x-status", status), part("message/rfc822", JUNK))

    assert read(bounce).kind == "feedback"
    assert read(bounce.replace(b"text/x-status", b"message/delivery-status")).kind == "plain"


def test_words_about_feedback_are_no_report() -> None:
    said = EmailMessage()
    said.set_content("What is a Feedback-Type: field? I saw one, feedback-type: abuse, it said.")

    assert read(said.as_bytes()).kind == "plain"


@pytest.mark.parametrize(
    "submitted", ["auto-replied", "auto-generated", "auto-notified; owner-email=x"]
)
def test_a_robots_mail_is_a_notice_by_protocol(submitted: str) -> None:
    assert read(mail(part("message/rfc822", JUNK), Auto_Submitted=submitted)).kind == "notice"
    assert read(mail(part("message/rfc822", JUNK), Auto_Submitted="no")).kind == "feedback"


# -- Hostile -----------------------------------------------------------------------------------

BOMBS = {
    "nested": (
        b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(1000)
        ),
        {TOO_DEEP, TOO_MANY_PARTS},
    ),
    "messages": (b"Content-Type: message/rfc822\n\n" * 1000, set()),
    "parts": (
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 200_000, {TOO_MANY_PARTS},
    ),
    "headers": (b"X: y\n" * 100_000 + b"\n", {TOO_MANY_HEADERS}),
    "addresses": (b"To: " + b", ".join([b"a@b.example"] * 8000) + b"\n\nx", set()),
    "words": (b"Subject: " + b"=?utf-8?q?a?= " * 8000 + b"\n\nx", set()),
    "large": (b"x" * (MAX_BYTES + 1), {TOO_LARGE}),
    "empty": (b" \n\0", {EMPTY}),
    "spaces": (b"DKIM-Signature: a\n" + b" " * 500_000, set()),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "errors"), BOMBS.values(), ids=BOMBS)
def test_bombs_are_left_unread(raw: bytes, errors: set[str]) -> None:
    found = read(raw)

    assert found.error in errors or (not errors and found.kind in {"plain", "unreadable"})


@given(st.binary(max_size=2000))
@example(b"Content-Type: multipart/report\n\n--\n")
@example(b"Content-Type: text/plain; charset=\xff\n\nFeedback-Type: \xff\nVersion: 1")
def test_no_octets_make_it_fail(raw: bytes) -> None:
    assert read(raw).kind in {"feedback", "notice", "plain", "unreadable"}


@given(st.data())
def test_no_damage_to_a_report_makes_it_fail(data: st.DataObject) -> None:
    raw = bytearray(arf())
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))

    assert read(bytes(raw)).kind in {"feedback", "notice", "plain", "unreadable"}


@given(st.text(max_size=3000))
def test_fields_are_bounded_and_on_one_line(text: str) -> None:
    fields = fields_of(text)

    assert sum(map(len, fields.values())) <= MOST
    assert all(value.isprintable() for values in fields.values() for value in values)


# -- The command, and the reference ------------------------------------------------------------


def test_the_command_prints_a_line_for_a_program_and_words_for_a_person(tmp_path: Path) -> None:
    file = tmp_path / "report.eml"
    file.write_bytes(arf())

    told, said = StringIO(), StringIO()
    call_command("readreport", str(file), "--json", stdout=told)
    call_command("readreport", str(file), stdout=said)

    assert json.loads(told.getvalue())["source_address"] == "192.0.2.40"
    assert "From address:    192.0.2.40" in said.getvalue()
    with pytest.raises(CommandError):
        call_command("readreport", str(tmp_path / "none"), stderr=StringIO())


@pytest.mark.skipif(not REPORTS.exists(), reason="the reference corpora are not here")
def test_the_reference_reports_are_read_as_labelled() -> None:
    labels = json.loads((REPORTS / "labels.json").read_text())
    for name, label in labels.items():
        found = read((REPORTS / name).read_bytes())
        kinds = label["kind"] if isinstance(label["kind"], list) else [label["kind"]]
        assert found.kind in kinds, name
        if label["feedback_type"]:
            assert found.feedback.feedback_type == label["feedback_type"], name
        if label["source_address"]:
            assert found.feedback.source_address == label["source_address"], name
