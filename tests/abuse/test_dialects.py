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
from abuse.fields import feedback_in
from abuse.reading import Reading, read
from mailroom.sections import MOST_OTHERS, take_apart, text_of
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


def test_a_report_is_looked_for_in_the_first_few_files_only() -> None:
    pictures = [file(f"{n}.bin", "\0\1\2") for n in range(MOST_OTHERS)]
    report = file("ATT00001", FIELDS)
    assert reading(*pictures[1:], report, subtype="mixed").format == "arf"
    assert reading(*pictures, report, subtype="mixed").format == ""


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
        arf(f"{FIELDS}\n\n").replace(b"7bit\n\nFeedback-Type", b"7bit\nFeedback-Type"),
    ],
    ids=["a byte order mark", "indented", "no blank line before them", "nor behind them"],
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


def test_the_message_is_found_where_no_words_for_people_stand_before_it() -> None:
    report = part("message/feedback-report", FIELDS)
    found = read(mail(MIMEText("<p>junk</p>", "html"), report, part("text/plain", JUNK)))
    assert (found.format, found.message_id) == ("arf", JUNK_ID)


def test_the_report_names_the_message_where_the_copy_does_not() -> None:
    report = part("message/feedback-report", FIELDS + "Message-ID: <told@school.example> (seen)\n")
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
        (f"<{JUNK_ID}>", f"{JUNK_ID} (added by postmaster@reader.example)"),
        (f"Message-ID: <{JUNK_ID}>", f"Message-Id:\n <{JUNK_ID}>"),
    ],
    ids=["a blank line before", "two blank lines before", "a remark behind", "bare", "folded"],
)
def test_the_name_of_the_message_is_found_in_its_copied_header(old: str, new: str) -> None:
    raw = bent(old, new)
    enclosed = found_in(raw)["enclosed"]

    assert read(raw).message_id == JUNK_ID
    assert (enclosed["message_id"], len(enclosed["hops"])) == (JUNK_ID, 1)


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


@pytest.mark.parametrize(
    "value",
    ["aaaaaaaaaaaaaaaaaaaa://" * 80, "a://b/c" * 280 + " x", "," * 1900 + '"' * 39, "(" * 1900],
)
@pytest.mark.parametrize("name", ["Reported-Domain", "Original-Rcpt-To", "Feedback-Type"])
def test_fields_made_to_hurt_are_read_in_time(name: str, value: str) -> None:
    text = "Feedback-Type: abuse\n" + f"{name}: {value}\n" * 199
    started = time.process_time()
    assert feedback_in(text) is not None
    assert time.process_time() - started < SECONDS
