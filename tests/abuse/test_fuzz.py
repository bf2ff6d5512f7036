"""Whatever comes: nothing raises, and what is answered can be stored and shown.

``bench/fuzz_reading.py`` looks for longer, by what the code does with the input.
"""

import json
from dataclasses import asdict
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abuse.reading import Reading, read, read_document, read_upload
from abuse.xarf import LONGEST_ID
from mailroom.originals import MAX_VALUE
from mailroom.sections import ORIGINAL_CHARS
from tests.abuse.test_filed import item, v4
from tests.abuse.test_inline import FORMS, PASTED, mail
from tests.abuse.test_reading import FIELDS, JUNK, V3, arf, part
from tests.abuse.test_reading import mail as mail_of

READERS = (read, read_upload, read_document)
SEEDS = [
    arf(),
    mail(PASTED),
    *(mail(words) for words in FORMS.values()),
    mail_of(part("message/rfc822", JUNK), subject="complaint about message from 192.0.2.9"),
    mail_of(part("application/json", v4().decode()), X_XARF="PLAIN"),
    v4(item("message/rfc822", JUNK.encode())),
    json.dumps(V3).encode(),
    JUNK.encode(),
]
# What parsers stumble over: half a boundary, half a character, half an escape.
TOKENS = [
    b"\n--", b"--\n", b"\r", b"\0", b"\n\n", b"boundary=", b'"', b"=?utf-8?B?", b"?=", b"\xff\xfe",
    b"charset=utf-7\n\n+2AA-", b"charset*0*=x", b"Content-Transfer-Encoding: base64\n", b"\\ud800",
    b"message/rfc822", b"multipart/mixed", b"Content-Type: ", b"[", b"{", b":", b",", b"<", b">",
    b"Received: ", b"From: ", b"9" * 5000, b"\xed\xa0\x80", b"@", b"(" * 300, b"begin 644 x\n",
]  # fmt: skip


def check(raw: bytes) -> None:
    for reader in READERS:
        sound(reader(raw))


def sound(found: Reading) -> None:
    assert (found.kind == "unreadable") == bool(found.error)
    assert found.format or found.kind != "feedback"
    assert not found.inline or (found.original_text and found.kind == "plain")
    answer = asdict(found)
    for text in texts(answer):
        text.encode()  # no lone surrogates
        assert "\0" not in text
    assert len(answer.pop("original_text")) <= ORIGINAL_CHARS
    assert len(found.report_id) <= LONGEST_ID
    assert all(len(text) <= MAX_VALUE and text.isprintable() for text in texts(answer))
    json.dumps(answer)


def texts(value: Any) -> list[str]:
    """Every text in a structure."""
    if isinstance(value, dict):
        return [text for one in value.values() for text in texts(one)]
    if isinstance(value, list | tuple):
        return [text for one in value for text in texts(one)]
    return [value] if isinstance(value, str) else []


@given(st.data())
def test_no_damage_to_a_report_or_document_makes_any_reader_fail(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(0, 10))):
        at = data.draw(st.integers(0, len(raw)))
        length = data.draw(st.sampled_from([0, 0, 1, 4, 40]))
        raw[at : at + length] = data.draw(st.sampled_from(TOKENS) | st.binary(max_size=8))
    check(bytes(raw))


@given(st.sampled_from(SEEDS), st.integers(0, 4000))
def test_a_report_that_breaks_off_is_read_as_far_as_it_goes(raw: bytes, length: int) -> None:
    check(raw[:length])


TYPES = [
    "message/feedback-report", "message/rfc822", "message/global", "text/rfc822-headers",
    "message/delivery-status", "message/disposition-notification", "message/partial", "text/html",
    "text/plain", "application/json", "multipart/mixed", "multipart/digest", "no-type", "",
]  # fmt: skip
BODIES = [FIELDS, JUNK, PASTED, v4().decode(), json.dumps(V3), "", "+2AA-", "\ud83d\0\x1b[0m"]
CHARSETS = ["utf-8", "utf-7", "utf-16", "punycode", "zlib", "x" * 90, "\udcff", "iso-2022-jp"]
ENCODINGS = ["base64", "quoted-printable", "x-uuencode", "8bit", "binary", "\n"]


@st.composite
def leaves(draw: st.DrawFn) -> bytes:
    kind, charset = draw(st.sampled_from(TYPES)), draw(st.sampled_from(CHARSETS))
    encoding, body = draw(st.sampled_from(ENCODINGS)), draw(st.sampled_from(BODIES))
    name = draw(st.sampled_from(["", '; name="a.eml"', "; name*=utf-8''%ff.eml", "; name*1*=x"]))
    head = f"Content-Type: {kind}; charset={charset}{name}\nContent-Transfer-Encoding: {encoding}\n"
    return (head + "\n" + body).encode("utf-8", "surrogatepass")


@st.composite
def bodies(draw: st.DrawFn, inner: st.SearchStrategy[bytes]) -> bytes:
    boundary = draw(st.sampled_from(["a", "b", "a--", "", '"x y"', "b b"]))
    kind = draw(st.sampled_from(["multipart/report; report-type=feedback-report", *TYPES]))
    parts = draw(st.lists(inner, max_size=4))
    end = draw(st.sampled_from(["", f"\n--{boundary}--\n", f"\n--{boundary}-"]))
    head = f"Subject: =?utf-7?Q?+2AA-?=\nContent-Type: {kind}; boundary={boundary}\n\n"
    between = f"\n--{boundary}\n".encode()
    return head.encode() + b"".join(between + one for one in parts) + end.encode()


@given(st.recursive(leaves(), bodies, max_leaves=12))
def test_no_structure_makes_any_reader_fail(raw: bytes) -> None:
    check(raw)


PLAIN = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["4.0.0", "messaging", "message/rfc822", "\ud800", "QUFB", JUNK, "x" * 5000])
)  # fmt: skip
NAMES = st.sampled_from(
    [
        "xarf_version", "category", "type", "evidence", "content_type", "payload", "report_id",
        "Report", "Source", "IP", "Samples", "Attachment", "Payload", "AdditionalInfo", "SourceIp",
        "smtp_from", "message_id", "ContentType", "Base64Encoded", "ReportType", "timestamp",
    ]
)  # fmt: skip
TREES = st.recursive(
    PLAIN, lambda one: st.lists(one, max_size=4) | st.dictionaries(NAMES, one, max_size=6)
)


@given(st.dictionaries(NAMES, TREES, max_size=8))
def test_no_document_makes_any_reader_fail(document: dict[str, Any]) -> None:
    raw = json.dumps(document).encode()
    check(raw)
    check(mail_of(part("application/json", raw.decode())))


def test_the_seeds_are_read_as_what_they_are() -> None:
    assert all(isinstance(message_from_bytes(raw), Message) for raw in SEEDS)
    found = [(read_upload(raw).kind, read_upload(raw).format) for raw in SEEDS]
    assert {kind for kind, _ in found} == {"feedback", "plain"}
    assert {form for _, form in found} == {"", "arf", "jmrp", "rfc822", "xarf"}


@pytest.mark.parametrize("token", TOKENS)
def test_no_repetition_makes_any_reader_fail(token: bytes) -> None:
    check(b"Subject: x\nContent-Type: multipart/mixed; boundary=a\n\n" + token * 2000)
