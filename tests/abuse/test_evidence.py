"""What the child finds in mail to the abuse desk, and what keys prove of it."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abuse import trace
from abuse.evidence import SHOWN, answer
from abuse.reading import HIDDEN
from tests.abuse.mails import Complaint, junk, record, signed

MARK = f"v1.12.1795683600.{'0f' * 16}"
WAY = (
    "Received: from out.clinic.example (out.clinic.example [192.0.2.10])\r\n"
    "\tby mx.far.example (Postfix); Thu, 26 Nov 2026 09:00:00 +0000\r\n"
)
MESSAGE = WAY.encode() + signed(junk(extra=f"{trace.HEADER}: {MARK}\r\n"))
KEYS = [["clinic.example", "s1", record()]]
OUTER = [["far.example", "far", record("far")]]
TOP = (
    "From: pat@far.example\r\nTo: junk@mail.example\r\nSubject: junk\r\n"
    "Date: Thu, 26 Nov 2026 09:00:00 +0000\r\nMessage-ID: <r1@far.example>\r\nMIME-Version: 1.0\r\n"
)


def mixed(part: str, octets: bytes, end: bytes = b"--cut--\r\n") -> bytes:
    """A mail with a word of the sender, and one part more."""
    return (
        f"{TOP}Content-Type: multipart/mixed; boundary=cut\r\n\r\n"
        f"--cut\r\nContent-Type: text/plain\r\n\r\nThis is junk.\r\n--cut\r\n{part}\r\n\r\n"
    ).encode() + octets + b"\r\n" + end  # fmt: skip


def in_base64(octets: bytes) -> bytes:
    return base64.encodebytes(octets).replace(b"\n", b"\r\n").rstrip()


def document(octets: bytes) -> bytes:
    """XARF 4, with the message in it."""
    evidence = {"content_type": "message/rfc822", "payload": base64.b64encode(octets).decode()}
    return json.dumps(
        {
            "xarf_version": "4.0.0", "report_id": "x1", "timestamp": "2026-11-26T09:00:00Z",
            "category": "messaging", "type": "spam", "source_identifier": "192.0.2.10",
            "evidence": [evidence],
        }
    ).encode()  # fmt: skip


def found(raw: bytes, **question: Any) -> dict[str, Any]:
    """The answer, as it comes out of the child: through JSON."""
    said: dict[str, Any] = json.loads(json.dumps(answer(raw, {"channel": "lmtp", **question})))
    return said


def proved(raw: bytes, **question: Any) -> list[list[str]]:
    """Domain, selector and strength of what the keys of the clinic prove."""
    return [row[:3] for row in found(raw, **{"keys": KEYS, **question})["verified"]]


HEADERS = MESSAGE.partition(b"\r\n\r\n")[0] + b"\r\n"
WAYS = {
    "ARF": (bytes(Complaint(MESSAGE)), "lmtp", "A1"),
    "ARF, headers alone": (bytes(Complaint(MESSAGE, headers_only=True)), "lmtp", "A2"),
    "ARF, LF": (bytes(Complaint(MESSAGE)).replace(b"\r\n", b"\n"), "lmtp", "A1"),
    "message/rfc822": (mixed("Content-Type: message/rfc822", MESSAGE), "lmtp", "A1"),
    "message/rfc822 with no end": (
        mixed("Content-Type: message/rfc822", MESSAGE, b"--cut"), "lmtp", "A1"
    ),
    "message/rfc822 in base64": (
        mixed(
            "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64", in_base64(MESSAGE)
        ),
        "lmtp",
        "A1",
    ),
    "text/rfc822-headers": (mixed("Content-Type: text/rfc822-headers", HEADERS), "lmtp", "A2"),
    "a file": (
        mixed(
            'Content-Type: application/octet-stream; name="junk.EML"\r\n'
            "Content-Transfer-Encoding: base64",
            in_base64(MESSAGE),
        ),
        "lmtp",
        "A1",
    ),
    "XARF": (document(MESSAGE), "api", "A1"),
    "XARF in a mail": (mixed("Content-Type: application/json", document(MESSAGE)), "lmtp", "A1"),
    "the junk itself": (MESSAGE, "web", "A1"),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_the_message_is_found_however_it_comes(way: str) -> None:
    raw, channel, _level = WAYS[way]
    enclosed = found(raw, channel=channel)["enclosed"]
    assert {name: enclosed[name] for name in ("from_domain", "subject", "message_id", "date")} == {
        "from_domain": "clinic.example", "subject": "Win a prize 1",
        "message_id": "junk-1@clinic.example", "date": "Thu, 26 Nov 2026 08:59:59 +0000",
    }  # fmt: skip
    assert enclosed["signatures"] == [["clinic.example", "s1"]]
    assert enclosed["b"]
    assert enclosed["trace"] == MARK
    assert [hop["address"] for hop in enclosed["hops"]] == ["192.0.2.10"]
    assert enclosed["text"].startswith("Received: from out.clinic.example (")
    assert "\r" not in enclosed["text"]


@pytest.mark.parametrize("way", WAYS)
def test_a_key_proves_what_it_can_however_the_message_comes(way: str) -> None:
    raw, channel, level = WAYS[way]
    first, second = found(raw, channel=channel), found(raw, channel=channel, keys=KEYS)
    assert second.pop("verified") == [
        ["clinic.example", "s1", level, first["enclosed"]["b"], KEYS[0][2], True]
    ]  # the last: the signature covers the Message-ID
    assert first == second


def test_a_key_of_another_proves_nothing() -> None:
    for keys in ([["clinic.example", "s1", record("s2")]], [["clinic.example", "s2", record()]],
                 [["school.example", "s1", record()]], [["clinic.example", "s1", ""]]):  # fmt: skip
        assert found(bytes(Complaint(MESSAGE)), keys=keys)["verified"] == []


def test_of_the_keys_that_a_selector_had_the_right_one_counts_once() -> None:
    keys = [["clinic.example", "s1", record("old")], *KEYS, *KEYS]
    assert proved(bytes(Complaint(MESSAGE)), keys=keys) == [["clinic.example", "s1", "A1"]]


def test_the_report_itself_is_proved_in_full_or_not_at_all() -> None:
    report = signed(bytes(Complaint(MESSAGE)), "far.example", "far")
    assert found(report)["outer"]["signatures"] == [["far.example", "far"]]
    assert found(report, outer_keys=OUTER)["outer_verified"] == [["far.example", "far"]]
    touched = report.replace(b"This is junk.", b"This is jump.")
    assert found(touched, outer_keys=OUTER)["outer_verified"] == []
    assert proved(report) == [["clinic.example", "s1", "A1"]]


def test_the_signature_around_a_message_is_not_the_messages() -> None:
    report = signed(bytes(Complaint(junk())), "clinic.example", "s1")
    assert found(report, keys=KEYS)["verified"] == []


def test_words_that_quote_a_message_are_a_quotation() -> None:
    words = MESSAGE.partition(b"From:")[2].decode()
    raw = f"{TOP}\r\nLook:\r\n\r\n-----Original Message-----\r\nFrom:{words}".encode()
    said = found(raw)
    assert said["reading"]["inline"]
    assert said["enclosed"]["from_domain"] == "clinic.example"


def test_a_letter_to_the_desk_encloses_nothing() -> None:
    enclosed = found(f"{TOP}\r\nCan you help me?\r\n".encode())["enclosed"]
    assert (enclosed["from_domain"], enclosed["signatures"], enclosed["hops"]) == ("", [], [])
    assert (enclosed["trace"], enclosed["b"], enclosed["text"], enclosed["bytes"]) == (
        "",
        "",
        "",
        0,
    )


def test_an_uploaded_message_is_no_letter_of_whoever_uploads_it() -> None:
    said = found(MESSAGE, channel="web")
    assert (said["reading"]["itself"], said["outer"]["from"]) == (True, "")
    assert found(MESSAGE)["outer"]["from"] == "news@clinic.example"


def test_a_file_that_cannot_be_read_is_told_so() -> None:
    assert found(b"")["reading"]["kind"] == "unreadable"
    assert set(found(b"{", channel="api", keys=KEYS)) == {"reading"}


# -- Whose message it was, as its signature covers it ---------------------------------


def test_the_charset_of_a_part_makes_no_other_sender() -> None:
    forged = b"F\x1b(Brom: <boss@school.example>\r\nS\x1b(Bubject: Sorry\r\n" + MESSAGE
    raw = mixed("Content-Type: message/rfc822; charset=iso-2022-jp", forged)
    enclosed = found(raw)["enclosed"]
    assert proved(raw) == [["clinic.example", "s1", "A1"]]
    assert (enclosed["from_domain"], enclosed["subject"]) == ("clinic.example", "Win a prize 1")


def test_a_return_path_far_above_makes_no_other_sender() -> None:
    above = b"Return-Path: <boss@school.example>\r\n" + b"X-A: " + b"b" * 70_000 + b"\r\n"
    raw = bytes(Complaint(above + MESSAGE))
    assert proved(raw) == [["clinic.example", "s1", "A1"]]
    assert found(raw)["enclosed"]["from_domain"] == "clinic.example"


def test_a_second_from_proves_nothing() -> None:
    forged = b"From: <boss@school.example>\r\n" + MESSAGE
    assert found(bytes(Complaint(forged)), keys=KEYS)["verified"] == []


def test_lines_of_the_body_are_no_headers() -> None:
    mail = junk() + b"\r\nCFBL-Feedback-ID: v1.2.3.4\r\nReceived: from a ([192.0.2.1]) by b\r\n"
    for octets in (mail, mail.replace(b"\r\n", b"\r"), mail.replace(b"\r\n", b"\n")):
        raw = mixed(
            "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64", in_base64(octets)
        )
        enclosed = found(raw)["enclosed"]
        assert (enclosed["trace"], enclosed["hops"]) == ("", [])


def test_a_mark_that_was_folded_on_its_way_is_read() -> None:
    folded = MESSAGE.replace(b"Feedback-ID: v1", b"Feedback-ID:\r\n\tv1")
    assert folded != MESSAGE
    assert found(bytes(Complaint(folded)))["enclosed"]["trace"] == MARK


# -- Robots ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "is_robot"),
    [
        ("Auto-Submitted: auto-replied", True),
        ("Auto-Submitted: auto-generated", True),
        ("Auto-Submitted: no", False),
        ("Auto-Submitted: No (comment)", False),
        ("Precedence: BULK", True),
        ("Precedence: list", True),
        ("Precedence: first-class", False),
        ("List-Id: <news.clinic.example>", True),
        ("X-Auto-Response-Suppress: All", True),
        ("From: mailer-daemon@far.example", False),
        ("X-Mailer: robot", False),
    ],
)
def test_a_robot_is_known_by_protocol_alone(field: str, *, is_robot: bool) -> None:
    raw = bytes(Complaint(MESSAGE, extra=f"{field}\r\n"))
    assert found(raw)["outer"]["auto"] is is_robot


# -- What people are shown ---------------------------------------------------------------


def test_what_is_shown_has_no_control_characters() -> None:
    evil = junk() + b"\x00\x1b[31m \x07 \x7f \xe2\x80\xae \xc2\x9b \xf0\x9f\x8e\x81\r\nend\r\n"
    ways = [bytes(Complaint(evil)), document(evil), mixed("Content-Type: message/rfc822", evil)]
    for raw in ways:
        text = found(raw, channel="api")["enclosed"]["text"]
        assert "\nend" in text
        assert HIDDEN.search(text) is None
        assert "\U0001f381" in text


def test_of_a_long_message_the_beginning_is_shown_in_whole_letters() -> None:
    for shift in range(3):
        long = junk() + b"x" * shift + ("당첨되셨습니다. " * 10 + "\r\n").encode() * 200
        enclosed = found(bytes(Complaint(long)))["enclosed"]
        assert enclosed["bytes"] > 2 * SHOWN
        assert SHOWN - 400 < len(enclosed["text"].encode()) <= SHOWN
        assert enclosed["text"].rstrip().endswith("당첨되셨습니다.")


# -- Whatever comes -------------------------------------------------------------------------


SAMPLES = [(raw, channel) for raw, channel, _level in WAYS.values()]
QUESTION = {"keys": KEYS, "outer_keys": OUTER}


@given(st.data())
@settings(max_examples=200)
def test_no_damaged_report_raises_or_smuggles_a_control_character(data: st.DataObject) -> None:
    raw, channel = data.draw(st.sampled_from(SAMPLES))
    at = data.draw(st.integers(0, len(raw)))
    until = data.draw(st.integers(at, min(len(raw), at + 300)))
    damaged = raw[:at] + data.draw(st.binary(max_size=40)) + raw[until:]
    said = found(damaged, channel=channel, **QUESTION)
    assert HIDDEN.search(said.get("enclosed", {"text": ""})["text"]) is None


@given(st.binary(max_size=500), st.sampled_from(["lmtp", "web", "api"]))
@settings(max_examples=150)
def test_no_octets_raise(noise: bytes, channel: str) -> None:
    for raw in (noise, TOP.encode() + noise, mixed("Content-Type: message/rfc822", noise)):
        assert found(raw, channel=channel, **QUESTION)["reading"]["kind"]


def test_what_is_kept_of_the_headers_has_no_zero_octets() -> None:
    evil = MESSAGE.replace(b"prize", b"pr\0ize").replace(b"<junk-1@", b"<junk\0-1@")
    evil = evil.replace(b"by mx", b"by m\0x").replace(b"s=s1", b"s=s\x001")
    encoded = mixed(
        "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64", in_base64(evil)
    )
    for raw in (document(evil), encoded, bytes(Complaint(evil))):
        said = found(raw, channel="api")
        del said["enclosed"]["b"]
        assert said["enclosed"]["subject"] == "Win a prize 1"
        assert "\\u0000" not in json.dumps(said)
