"""Files that are made to hurt: each ends in time, within memory, and never with an exception."""

import os
import resource
import string
import sys
from time import process_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailroom import confined, guards
from mailroom.diagnosis import (
    MALFORMED,
    TOO_DEEP,
    TOO_LARGE,
    TOO_MANY_HEADERS,
    TOO_MANY_PARTS,
    Diagnosis,
)
from mailroom.dsn import read, read_guarded
from tests.mailroom.bounces import FIXTURES, HEADERS, report

SECONDS = 2.0
MOST = guards.MAX_BYTES - 1000
MIXED = HEADERS + b'Content-Type: multipart/mixed; boundary="b"\n\n'


def nested(depth: int) -> bytes:
    level = b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n'
    return HEADERS + b"".join(level % (n, n) for n in range(depth))


def body(piece: bytes, headers: bytes = HEADERS) -> bytes:
    return headers + b"\n" + piece * (MOST // len(piece))


def text_of(kind: bytes, piece: bytes) -> bytes:
    return body(piece, HEADERS + b"Content-Type: " + kind + b"\n")


REFUSED = {
    "multiparts in multiparts": (nested(1000), TOO_MANY_PARTS),
    "multiparts, fewer": (nested(60), TOO_DEEP),
    "200,000 parts": (MIXED + b"--b\n\n" * 200_000, TOO_MANY_PARTS),
    "parts behind an odd parameter": (
        MIXED.replace(b'boundary="b"', b'BOUNDARY*0="b"; boundary*1="c"') + b"--bc\n\n" * 200_000,
        TOO_MANY_PARTS,
    ),
    "parts behind folding": (
        MIXED.replace(b'boundary="b"', b'\n\tbounDary\t=\n "b"') + b"--b\n\n" * 200_000,
        TOO_MANY_PARTS,
    ),
    "parts behind angle brackets": (
        MIXED.replace(b'"b"', b"<b>") + b"--b\n\n" * 200_000,
        TOO_MANY_PARTS,
    ),
    "100,000 headers": (HEADERS + b"X-A: b\n" * 100_000 + b"\nx", TOO_MANY_HEADERS),
    "headers of a part": (MIXED + b"--b\n" + b"X-A: b\n" * 30_000, TOO_MANY_HEADERS),
    "one header without end": (HEADERS + b"X-A: " + b"b" * MOST, TOO_MANY_HEADERS),
    "too large": (b"x" * (guards.MAX_BYTES + 1), TOO_LARGE),
}

BORNE = {
    "messages in messages": HEADERS + b"Content-Type: message/rfc822\n\n" * 3000,
    "8,000 encoded words": HEADERS + b"Subject: " + b"=?utf-8?q?a?= " * 8000 + b"\n\nx",
    "8,000 recipients": HEADERS + b"X-Failed-Recipients: " + b"a@b.example, " * 8000 + b"\n\nx",
    "parentheses": HEADERS.replace(b"MAILER", b"(" * 100_000) + b"\nx",
    "one line": body(b"a"),
    "one line of at signs": body(b"a@"),
    "one line of dots": HEADERS + b"\nfailed to a@" + b"a." * 2_000_000,
    "one line of addresses": body(b"a@b.example "),
    "many recipients": HEADERS + b"\n" + b"".join(b"<a%d@b.example>:\n" % n for n in range(99_999)),
    "many replies": body(b"550 5.7.1 192.0.2.1 blocked using\n"),
    "one reply of addresses": HEADERS + b"\n<a@b.example>:\n550 blocked " + b"192.0.2.1 " * 400_000,
    "one reply of colons": b"550 5.7.1 blocked " + b"a:" * 2_000_000,
    "one reply of clients": b"550 " + b"sending ip address " * 200_000 + b"192.0.2.1",
    "one reply of hosts": HEADERS + b"\n<a@b.example>:\nhost " + b"a." * 2_000_000,
    "empty lines": body(b"\n"),
    "carriage returns": body(b"\r"),
    "spaces": body(b" "),
    "quotes": body(b'"'),
    "dashes": body(b"-"),
    "headings": body(b"-----Original Message-----\n"),
    "lines that could be delimiters": MIXED + b"--c\n" * 1_000_000,
    "status blocks": text_of(b"message/delivery-status", b"a: b\n\n"),
    "status recipients": text_of(
        b"message/delivery-status", b"Final-Recipient: rfc822;a@b.example\nAction: failed\n\n"
    ),
    "status folds": text_of(b"message/delivery-status", b" b\n"),
    "tags without end": text_of(b"text/html", b"<"),
    "scripts without end": text_of(b"text/html", b"<script>"),
    "breaks without end": text_of(b"text/html", b"<br "),
    "entities": text_of(b"text/html", b"&#1114111;"),
    "punycode": text_of(b"text/plain; charset=punycode", b"a-b\xff"),
    "idna": text_of(b"text/plain; charset=idna", b"a.\xff"),
    "a charset that compresses": text_of(b"text/plain; charset=zlib", b"a\xff"),
    "a charset of no name": text_of(b'text/plain; charset="\x01\xff "', b"a\xff"),
    "parameters": HEADERS + b"Content-Type: text/plain" + b"; a=b" * 40_000 + b"\n\nx",
    "broken base64": text_of(b"text/plain\nContent-Transfer-Encoding: base64", b"A\xff="),
    "broken uuencode": text_of(b"text/plain\nContent-Transfer-Encoding: x-uuencode", b"#\n"),
    "NULs": bytes(1_000_000),
    "half of UTF-16": b"\xff\xfe" + b"\xd8\xd8" * 1_000_000,
    "noise": os.urandom(1_000_000),
}


def timed(raw: bytes) -> tuple[Diagnosis, float]:
    started = process_time()
    diagnosis = read(raw)
    return diagnosis, process_time() - started


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_cost_too_much_is_refused_unparsed(name: str) -> None:
    raw, error = REFUSED[name]
    diagnosis, seconds = timed(raw)

    assert (diagnosis.kind, diagnosis.error) == ("unreadable", error)
    assert seconds < SECONDS


@pytest.mark.parametrize("name", BORNE)
def test_what_is_not_refused_is_read_in_time(name: str) -> None:
    diagnosis, seconds = timed(BORNE[name])

    assert seconds < SECONDS
    assert len(diagnosis.results) <= 100


def test_a_large_mail_around_a_report_does_not_hide_it() -> None:
    raw = report({"Final-Recipient": "rfc822; one@recipient.example", "Action": "failed"})
    large = raw + b"Content-Type: message/rfc822\n\n" + b"QUJD" * 19 + b"\n" * 1_000_000

    assert read(large).results[0].recipient == "one@recipient.example"


@given(st.binary(max_size=3000))
@settings(max_examples=150)
def test_no_bytes_raise(noise: bytes) -> None:
    assert read(noise).kind
    assert read(HEADERS + noise).kind
    assert read(HEADERS + b'Content-Type: multipart/report; boundary="b"\n\n--b\n' + noise).kind


@given(st.data())
@settings(max_examples=100, suppress_health_check=[HealthCheck.data_too_large])
def test_no_damaged_bounce_raises(data: st.DataObject) -> None:
    raw = (
        FIXTURES / data.draw(st.sampled_from(["exim-two.eml", "rfc3464-base64.eml"]))
    ).read_bytes()
    at = data.draw(st.integers(0, len(raw)))
    until = data.draw(st.integers(at, len(raw)))

    assert read(raw[:at] + data.draw(st.binary(max_size=50)) + raw[until:]).kind


NAMES = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=20)
CODES = st.sampled_from(["5.1.1", "5.7.1", "4.7.650", "5.2.2", "4.4.7"])


@given(
    st.lists(
        st.tuples(NAMES, NAMES, CODES, st.sampled_from(["failed", "delayed"]), st.ip_addresses()),
        min_size=1,
        max_size=10,
        unique_by=lambda one: one[0],
    )
)
@settings(max_examples=60)
def test_a_report_says_what_was_put_in(facts: list[tuple[str, str, str, str, object]]) -> None:
    said = [f"{code[0]}50 {code} no {word}" for _, word, code, _, _ in facts]
    fields = [
        {
            "Final-Recipient": f"rfc822; {name}@recipient.example",
            "Action": action,
            "Status": code,
            "Remote-MTA": f"dns; mx-{word}.recipient.example [{address}]",
            "Diagnostic-Code": f"smtp; {words}",
        }
        for (name, word, code, action, address), words in zip(facts, said, strict=True)
    ]

    results = read(report(*fields)).results

    assert [
        (one.recipient, one.smtp_code, one.status, one.action, one.remote_mta, one.diagnostic)
        for one in results
    ] == [
        (
            f"{name}@recipient.example",
            f"{code[0]}50",
            code,
            action,
            f"mx-{word}.recipient.example",
            words,
        )
        for (name, word, code, action, _), words in zip(facts, said, strict=True)
    ]


def test_the_confined_reader_survives_the_death_of_its_child(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    killed = (sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    monkeypatch.setattr(confined, "_COMMAND", killed)

    assert read_guarded(b"550 5.7.1 no") == Diagnosis("unreadable", error=MALFORMED)


def test_reading_needs_little_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name in ("empty lines", "one line", "many recipients", "broken base64"):
        read(BORNE[name])
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    assert (after - before) / 1024 < 128  # megabytes
