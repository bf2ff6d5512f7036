"""Reports as gateways, filters and forwarders bend them: what they mean is read all the same."""

import json
import time
from base64 import encodebytes
from email.mime.base import MIMEBase
from email.mime.text import MIMEText
from textwrap import indent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abuse.evidence import answer
from abuse.fields import Feedback, feedback_in
from abuse.reading import Reading, read
from mailroom.sections import take_apart, text_of
from tests.abuse.test_reading import FIELDS, JUNK, V4, arf, mail, part

SECONDS = 1.0
JUNK_ID = "junk-1@school.example"
WORDS = MIMEText("A reader says that this is junk.")
HEADERS = JUNK.partition("\n\n")[0] + "\n"
UNTYPED = FIELDS.partition("\n")[2]  # without the Feedback-Type
LINES = "Category: abuse\nReport-Type: spam\nSource: 192.0.2.40\n"  # of X-ARF 0.2


def file(name: str, text: str, kind: str = "application/octet-stream") -> MIMEBase:
    """A file as programs attach it: in base64, with line ends of its own."""
    octets = text.replace("\n", "\r\n").encode()
    made = part(kind, encodebytes(octets).decode(), "base64")
    made.add_header("Content-Disposition", "attachment", filename=name)
    return made


def reading(*parts: Any, subtype: str = "report", **headers: str) -> Reading:
    return read(mail(WORDS, *parts, subtype=subtype, **headers))


def bent(old: str, new: str) -> bytes:
    """A report by the standard with one place of it written in another way."""
    raw = arf()
    assert old.encode() in raw
    return raw.replace(old.encode(), new.encode(), 1)


def told(name: str, *written: str) -> Feedback:
    """What a report says whose field of this name is written so, or several times so."""
    [line] = [line for line in FIELDS.splitlines() if line.startswith(f"{name}:")]
    found = read(bent(line, "\n".join(f"{name}:{value}" for value in written)))
    assert (found.kind, found.format, found.message_id) == ("feedback", "arf", JUNK_ID)
    return found.feedback


def found_in(raw: bytes) -> dict[str, Any]:
    return answer(raw, {"channel": "lmtp"})


# -- Parts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "report",
    [file("ATT00001", FIELDS), part("application/feedback-report", FIELDS)],
    ids=["a file without a type", "an application"],
)
def test_the_part_for_machines_may_have_come_out_as_a_file(report: MIMEBase) -> None:
    found = reading(report, part("message/rfc822", JUNK), subtype="mixed")

    assert (found.format, found.message_id) == ("arf", JUNK_ID)
    assert found.feedback.source_address == "192.0.2.40"


@pytest.mark.parametrize(
    ("form", "report"),
    [
        ("arf", part("text/plain", FIELDS)),
        ("arf", file("ATT00001", FIELDS)),
        ("xarf", part("text/plain", LINES)),
        ("xarf", part("application/json", json.dumps({**V4, "message_id": ""}))),
    ],
    ids=["fields as text", "fields as a file", "X-ARF lines", "XARF JSON"],
)
def test_what_reports_a_message_may_stand_behind_it(form: str, report: MIMEBase) -> None:
    headers = {"X_ARF": "yes"} if form == "xarf" else {}
    found = reading(part("message/rfc822", JUNK), report, subtype="mixed", **headers)

    assert (found.kind, found.format, found.message_id) == ("feedback", form, JUNK_ID)
    assert found.feedback.source_address == "192.0.2.40"


def test_a_part_that_is_a_report_by_its_type_needs_to_name_no_type_of_feedback() -> None:
    found = reading(part("message/feedback-report", UNTYPED), part("message/rfc822", JUNK))

    assert (found.format, found.feedback.feedback_type) == ("arf", "")
    assert found.feedback.source_address == "192.0.2.40"


def test_without_that_type_lines_about_an_address_are_no_report() -> None:
    assert feedback_in(UNTYPED) is None
    assert reading(part("text/plain", UNTYPED)).kind == "plain"
    assert reading(part("message/feedback-report", "Remark: none\n")).format == ""


@pytest.mark.parametrize(
    "raw",
    [
        bent("Feedback-Type", "\ufeffFeedback-Type"),
        arf(indent(FIELDS, "  ")),
        bent("7bit\n\nFeedback-Type", "7bit\nFeedback-Type"),
    ],
    ids=["a byte order mark", "indented", "no blank line before them"],
)
def test_fields_are_read_however_they_are_set_into_their_part(raw: bytes) -> None:
    found = read(raw)

    assert (found.format, found.message_id) == ("arf", JUNK_ID)
    assert found.feedback == read(arf()).feedback


# -- The message reported -------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["text/rfc822-header", "text/plain", "application/octet-stream"])
def test_the_message_may_come_under_another_type(kind: str) -> None:
    raw = arf(original=kind)

    assert (read(raw).format, read(raw).message_id) == ("arf", JUNK_ID)
    assert "Buy now!" in found_in(raw)["enclosed"]["text"]


@pytest.mark.parametrize("text", ["Write to us at fbl@reader.example.", FIELDS, "Subject: x\n"])
def test_a_text_that_is_no_message_is_not_taken_for_the_one_reported(text: str) -> None:
    found = reading(part("message/feedback-report", FIELDS), part("text/plain", text))

    assert (found.format, found.original, found.message_id) == ("arf", None, "")


def test_the_report_names_the_message_where_the_copy_does_not() -> None:
    report = part("message/feedback-report", FIELDS + "Message-ID: told@school.example\n")
    nameless = part("text/rfc822-header", "From: sales@school.example\nSubject: (redacted)\n")

    assert reading(report, nameless).original.subject == "(redacted)"
    assert reading(report, nameless).message_id == "told@school.example"
    assert reading(report, part("text/rfc822-headers", HEADERS)).message_id == JUNK_ID


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\nReceived: from mx.school", "\n\nReceived: from mx.school"),
        ("\nReceived: from mx.school", "\n\n\nReceived: from mx.school"),
        (f"<{JUNK_ID}>", f"<{JUNK_ID}> (added by postmaster@reader.example)"),
        (f"Message-ID: <{JUNK_ID}>", f"Message-Id:\n <{JUNK_ID}>"),
    ],
    ids=["a blank line before", "two blank lines before", "a remark behind", "folded"],
)
def test_the_name_of_the_message_is_found_in_its_copied_header(old: str, new: str) -> None:
    raw = bent(old, new)
    enclosed = found_in(raw)["enclosed"]

    assert read(raw).message_id == JUNK_ID
    assert (enclosed["message_id"], len(enclosed["hops"])) == (JUNK_ID, 1)


# -- Fields ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        "192.0.2.40:48211", "[192.0.2.40]", "[192.0.2.40]:48211", '"192.0.2.40"', "<192.0.2.40>",
        "(192.0.2.40)", "mx.school.example [192.0.2.40]", "192.0.2.40,198.51.100.4",
        "::ffff:192.0.2.40",
    ],
)  # fmt: skip
def test_an_address_is_read_without_what_is_around_it(written: str) -> None:
    assert told("Source-IP", written).source_address == "192.0.2.40"


@pytest.mark.parametrize(
    "written",
    ["[2001:db8::25]:2525", "IPV6:2001:DB8::25", "[ipv6:2001:db8::25]", "2001:0DB8:0:0:0:0:0:25"],
)
def test_an_address_of_version_6_may_have_its_tag_in_any_case(written: str) -> None:
    assert told("Source-IP", written).source_address == "2001:db8::25"


@pytest.mark.parametrize(
    ("name", "attribute", "first", "second"),
    [
        ("Source-IP", "source_address", "", "192.0.2.41"),
        ("Source-IP", "source_address", " unknown", "192.0.2.41"),
        ("Source-IP", "source_address", " 999.0.2.1", "192.0.2.41"),
        ("Original-Mail-From", "original_mail_from", " ", "kim@school.example"),
        ("Feedback-Type", "feedback_type", "", "fraud"),
        ("Arrival-Date", "arrival_date", "", "Wed, 25 Nov 2026 09:00:00 +0000"),
    ],
)
def test_a_field_that_says_nothing_leaves_it_to_the_next(
    name: str, attribute: str, first: str, second: str
) -> None:
    assert getattr(told(name, first, second), attribute) == second


PATHS = [
    "sean.o'brien@school.example",
    "bounce:77:a@school.example",
    "b." + "a1" * 70 + "@school.example",
    "{a}|b!c#d$%&*?^`~@school.example",
    "a/eu+x=y@school.example",
    "sales@[192.0.2.40]",
    "5d41402abc4b2a76b9719d911017c592",  # what was put in the place of an address
]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_kept_whole_whatever_its_characters(path: str) -> None:
    assert told("Original-Mail-From", f"Sales <{path}> (known)").original_mail_from == path
    assert told("Original-Mail-From", f" {path}").original_mail_from == path
    assert told("Original-Rcpt-To", f" {path}").original_rcpt_to == (path,)


@pytest.mark.parametrize(
    "written",
    [
        "<@relay.example:sales@school.example>",
        "<@one.example,@two.example:sales@school.example>",
        "School Sales <sales@school.example>",
        "<sales@school.example> (verified)",
        "<sales@school.example> SIZE=1022 BODY=8BITMIME",
        "rfc822;sales@school.example",
        "sales@school.example;",
    ],
)
def test_a_path_is_read_without_its_route_its_type_and_remarks(written: str) -> None:
    assert told("Original-Mail-From", written).original_mail_from == "sales@school.example"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("<a@x.example> (one, two), <b@x.example>", ("a@x.example", "b@x.example")),
        ("<a@x.example>,\n\t<b@x.example>", ("a@x.example", "b@x.example")),
        ("a@x.example; b@x.example, a@x.example", ("a@x.example", "b@x.example")),
        ('"a, b"@x.example, c@x.example', ('"a, b"@x.example', "c@x.example")),
    ],
)
def test_recipients_in_one_field_are_several(written: str, expected: tuple[str, ...]) -> None:
    assert told("Original-Rcpt-To", written).original_rcpt_to == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("a.example, b.example (from DKIM)", ("a.example", "b.example")),
        ("a.example; b.example", ("a.example", "b.example")),
        ("dns; A.Example.", ("a.example",)),
        ("http://a.example./", ("a.example",)),
        ("https://kim@a.example:8443/x", ("a.example",)),
        ("@a.example", ("a.example",)),
        ('"A.example"', ("a.example",)),
        ("_spf.a.example", ("_spf.a.example",)),
        ("학교.example", ("학교.example",)),
        ("-", ()),
    ],
)
def test_a_domain_is_read_as_it_is_written(written: str, expected: tuple[str, ...]) -> None:
    assert told("Reported-Domain", written).reported_domain == expected


@pytest.mark.parametrize(
    "written", ["DNS ; mx.a.example (Postfix)", "x-local-host; mx.a.example", "mx.a.example"]
)
def test_a_server_is_read_without_its_type_and_remarks(written: str) -> None:
    assert told("Reporting-MTA", written).reporting_mta == "mx.a.example"


@pytest.mark.parametrize(
    "written", ["Fraud (pressed by the reader)", "(junk) fraud", '"fraud"', "fraud; report=1"]
)
def test_a_token_is_read_without_comments_quotes_and_parameters(written: str) -> None:
    found = told("Feedback-Type", f"{written}\nAuth-Failure: {written}")

    assert (found.feedback_type, found.auth_failure) == ("fraud", "fraud")


# -- Reports that were passed on ------------------------------------------------------------


@pytest.mark.parametrize(
    "carried",
    [part("message/rfc822", arf().decode()), file("report.eml", arf().decode())],
    ids=["as a message", "as a file"],
)
def test_a_report_passed_on_whole_is_reported_by_who_passed_it_on(carried: MIMEBase) -> None:
    raw = mail(WORDS, carried, Message_ID="<outer@host.example>")
    raw = raw.replace(b"fbl@reader.example", b"kim@host.example", 1)

    found, said = read(raw), found_in(raw)

    assert (found.kind, found.format, found.message_id) == ("feedback", "arf", JUNK_ID)
    assert found.feedback == read(arf()).feedback
    assert said["reading"]["format"] == "arf"
    assert said["outer"]["from"] == "kim@host.example"
    assert said["outer"]["message_id"] == "outer@host.example"
    assert said["enclosed"]["message_id"] == JUNK_ID
    assert "Buy now!" in said["enclosed"]["text"]
    assert "Feedback-Type" not in said["enclosed"]["text"]


@pytest.mark.parametrize(
    ("subject", "enclosed"),
    [
        ("=?us-ascii?Q?complaint_about_message_from_192.0.2.9?=", part("message/rfc822", JUNK)),
        ("Fwd: complaint about message from [192.0.2.9]", part("message/rfc822", JUNK)),
        ("complaint about message from 192.0.2.9", file("message.eml", JUNK)),
    ],
    ids=["an encoded subject", "passed on", "the message as a file"],
)
def test_a_hotmail_complaint_is_known_in_other_forms(subject: str, enclosed: MIMEBase) -> None:
    found = read(mail(WORDS, enclosed, subject=subject))

    assert (found.format, found.message_id) == ("jmrp", JUNK_ID)
    assert found.feedback.source_address == "192.0.2.9"


# -- What is left unread of an enclosed mail, and what that costs ---------------------------

ENCLOSED = [
    JUNK,
    f"\n\n{JUNK}",
    HEADERS,
    "",
    f"{JUNK}-- \nA seller\n\n--other\n--cu\n",
    f"{HEADERS}Content-Type: multipart/mixed; boundary=other\n\n--other\n"
    f"Content-Type: message/rfc822\n\n{JUNK}--other\nContent-Type: text/plain\n\nx\n--other--\n",
]
BESIDE = [
    ("text/plain", "Words."),
    ("text/html", "<p>A page."),
    ("application/json", "{}"),
    ("application/octet-stream; name=a.eml", JUNK),
    ("application/octet-stream", FIELDS),
    ("message/feedback-report", FIELDS),
    ("message/delivery-status", "Action: failed\n"),
]
AS = st.sampled_from(["message/rfc822", "message/global", "text/rfc822-headers"])
LEAVES = st.sampled_from(BESIDE) | st.tuples(AS, st.sampled_from(ENCLOSED))


def multipart(parts: list[tuple[str, str]], boundary: str = "cut") -> tuple[str, str]:
    text = "".join(f"--{boundary}\nContent-Type: {kind}\n\n{body}\n" for kind, body in parts)
    return f"multipart/mixed; boundary={boundary}", f"{text}--{boundary}--\n"


PARTS = LEAVES | st.lists(LEAVES, min_size=1, max_size=3).map(lambda some: multipart(some, "in"))


def of(kind: str, body: str) -> bytes:
    return f"Content-Type: {kind}\n\n{body}".encode()


def kept(raw: bytes, *, whole: bool) -> list[list[str]]:
    """Each kind of part that a mail is found to have, of the enclosed ones the header."""
    found = take_apart(raw, raw.lower(), whole=whole)
    lists = (found.notices, found.pages, found.data, found.files, found.others)
    texts = [[text_of(one, 9000) for one in parts] for parts in lists]
    enclosed = [text.strip("\n").partition("\n\n")[0] for text in found.originals]
    return [*texts, found.statuses, found.feedback, enclosed]


@given(st.lists(PARTS, min_size=1, max_size=6))
def test_no_part_is_lost_behind_a_body_that_is_left_unread(parts: list[tuple[str, str]]) -> None:
    raw = of(*multipart(parts))

    assert kept(raw, whole=False) == kept(raw, whole=True)


@pytest.mark.parametrize("kind", ["message/rfc822", "text/rfc822-headers", "text/rfc822-header"])
def test_the_body_of_an_enclosed_mail_is_left_unread_unless_it_is_wanted(kind: str) -> None:
    raw = of(*multipart([(kind, JUNK), *BESIDE[:3]]))

    assert take_apart(raw, raw.lower(), whole=True).originals == [JUNK]
    assert "Buy now!" not in take_apart(raw, raw.lower()).originals[0]


@pytest.mark.parametrize(
    ("n", "between"), [(5000, "\n"), (25_000, "\n"), (15_000, "\n\n"), (5000, "\n" * 11)]
)
@pytest.mark.parametrize("within", ["text/plain", "message/rfc822", "text/rfc822-headers"])
def test_types_without_end_cost_no_more_than_a_second(within: str, n: int, between: str) -> None:
    lines = f"content-type: message/rfc822{between}" * n
    mails = [of("text/plain", lines), of(*multipart([(within, lines), BESIDE[0]]))]

    started = time.process_time()
    assert [read(raw).error for raw in mails] == ["", ""]
    assert time.process_time() - started < SECONDS
