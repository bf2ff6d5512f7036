"""Signatures hold for the message that was signed, and for nothing that was made of it."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abuse.signatures import MOST_FIELDS, MOST_HEADER, MOST_SIGNATURES, Level, signatures, verify
from tests.abuse.signing import ED25519, Signer, body_hash, canonical_body, record, rsa_key

MESSAGE = (
    b"Received: from out.clinic.example ([192.0.2.10]) by mx.far.example;\r\n"
    b"\tThu, 26 Nov 2026 09:00:00 +0000\r\n"
    b"From: News <news@clinic.example>\r\nTo: <pat@far.example>\r\n"
    b"Subject: Win  a\r\n  prize \r\nDate: Thu, 26 Nov 2026 08:59:59 +0000\r\n"
    b"Message-ID: <junk@clinic.example>\r\n\r\n"
    b"Dear  pat, \r\n\r\nyou are a winner.\r\n\r\n\r\n"
)
FORMS = ["relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple", "simple"]
SECONDS = 2.0

# RFC 8463, appendix A: the keys of A.2, and the message of A.3.
FOOTBALL = b"""\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
"""
FOOTBALL_KEYS = {
    "brisbane": "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "test": "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk"
    "08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3"
    "rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
}
# RFC 6376, section 3.4.5: a message, and what is left of it.
EXAMPLE_BODY = b" C \r\nD \t E\r\n\r\n\r\n"
EXAMPLE_HEAD = b"A: X\r\nB : Y\t\r\n\tZ  \r\n"


def level(message: bytes, key: str | None = None) -> Level:
    """How far the topmost signature holds."""
    return verify(message, signatures(message)[0], record(rsa_key()) if key is None else key)


def swap(message: bytes, old: bytes, new: bytes) -> bytes:
    assert message.count(old) == 1, old
    return message.replace(old, new)


# -- What holds ---------------------------------------------------------------------


@pytest.mark.parametrize("at", [0, 1], ids=["ed25519", "rsa"])
def test_the_message_of_rfc_8463_holds_with_either_key(at: int) -> None:
    found = signatures(FOOTBALL)[at]
    assert verify(FOOTBALL, found, FOOTBALL_KEYS[found.selector]) == "A1"
    cut = FOOTBALL.partition(b"\n\n")[0]
    assert verify(cut, found, FOOTBALL_KEYS[found.selector]) == "A2"
    other = swap(FOOTBALL, b"dinner", b"supper")
    assert verify(other, found, FOOTBALL_KEYS[found.selector]) == ""


@pytest.mark.parametrize(
    ("form", "expected"),
    [("simple", b" C \r\nD \t E\r\n"), ("relaxed", b" C\r\nD E\r\n")],
)
def test_the_bodies_of_rfc_6376_are_hashed_as_it_says(form: str, expected: bytes) -> None:
    assert canonical_body(EXAMPLE_BODY, form) == expected  # the signer of these tests agrees
    message = b"From: a@clinic.example\r\n\r\n" + EXAMPLE_BODY
    signed = Signer(rsa_key(), c=f"relaxed/{form}", h="from", bh=body_hash(expected, "simple"))
    assert level(signed(message)) == "A1"


def test_the_headers_of_rfc_6376_are_hashed_as_it_says() -> None:
    head = EXAMPLE_HEAD + b"From: a@clinic.example\r\n\r\n"
    simple = Signer(rsa_key(), c="simple", h="a:b:from")(head)
    relaxed = Signer(rsa_key(), h="a:b:from")(head)
    assert (level(simple), level(relaxed)) == ("A1", "A1")
    as_it_says = {EXAMPLE_HEAD: b"a:X\r\nb:Y Z\r\n"}
    for written, canonical in as_it_says.items():
        assert level(relaxed.replace(written, canonical)) == "A1"
        assert level(simple.replace(written, canonical)) == ""


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("key", [rsa_key(), ED25519], ids=["rsa", "ed25519"])
def test_a_message_as_it_was_signed_holds_in_full(key: object, form: str) -> None:
    signed = Signer(key, c=form)(MESSAGE)  # type: ignore[arg-type]
    assert level(signed, record(key)) == "A1"  # type: ignore[arg-type]


@pytest.mark.parametrize("body", [b"", b"\r\n", b"\r\n\r\n\r\n", b"no end of line"])
@pytest.mark.parametrize("form", FORMS)
def test_a_body_of_nothing_or_without_an_end_is_a_body(body: bytes, form: str) -> None:
    head = MESSAGE.partition(b"\r\n\r\n")[0]
    assert level(Signer(rsa_key(), c=form)(head + b"\r\n\r\n" + body)) == "A1"


@pytest.mark.parametrize("form", FORMS)
def test_lines_may_end_with_lf_or_cr_alone(form: str) -> None:
    signed = Signer(rsa_key(), c=form)(MESSAGE)
    for end in (b"\n", b"\r"):
        assert level(signed.replace(b"\r\n", end)) == "A1"


def test_relaxed_headers_may_be_folded_anew_and_simple_ones_may_not() -> None:
    for form, expected in (("relaxed", "A1"), ("simple", "")):
        signed = Signer(rsa_key(), c=form + "/simple")(MESSAGE)
        assert level(swap(signed, b"Win  a\r\n  prize ", b"Win a\r\n\tprize")) == expected
        assert level(swap(signed, b"Subject: ", b"SUBJECT \t:")) == expected


def test_what_was_not_signed_may_be_added_and_changed() -> None:
    signed = Signer(rsa_key())(MESSAGE)
    assert level(b"Received: from mx by store; now\r\n" + signed) == "A1"
    assert level(swap(signed, b"out.clinic.example", b"x")) == "A1"


def test_an_expiry_is_not_looked_at_for_reports_come_late() -> None:
    assert level(Signer(rsa_key(), extra="t=1; x=2; ")(MESSAGE)) == "A1"


def test_a_key_may_stand_in_the_record_with_spaces_and_without_its_defaults() -> None:
    text = record(rsa_key()).replace("v=DKIM1; k=rsa; ", "")
    half = len(text) // 2
    assert level(Signer(rsa_key())(MESSAGE), f"{text[:half]} \t{text[half:]};") == "A1"


# -- What holds for the headers alone -----------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_a_body_that_is_changed_cut_or_missing_leaves_the_headers(form: str) -> None:
    signed = Signer(rsa_key(), c=form)(MESSAGE)
    assert level(swap(signed, b"a winner", b"a loser")) == "A2"
    assert level(signed[: signed.index(b"you are")]) == "A2"
    assert level(signed.partition(b"\r\n\r\n")[0]) == "A2"
    assert level(signed + b"One line more.\r\n") == "A2"


def test_a_signature_over_a_part_of_the_body_is_worth_its_headers() -> None:
    body = MESSAGE.partition(b"\r\n\r\n")[2]
    part = canonical_body(body, "relaxed")[:8]
    shorter = Signer(rsa_key(), extra="l=8; ", bh=body_hash(part, "simple"))
    assert level(shorter(MESSAGE)) == "A2"
    assert level(Signer(rsa_key(), extra="l=8; ")(MESSAGE)) == "A2"  # whatever else it hashed
    whole = len(canonical_body(body, "relaxed"))
    assert level(Signer(rsa_key(), extra=f"l={whole}; ")(MESSAGE)) == "A1"
    longer = Signer(rsa_key(), extra=f"l={whole}; ")(MESSAGE) + b"Added.\r\n"
    assert level(longer) == "A2"


# -- What does not hold ---------------------------------------------------------------

SIGNED = Signer(rsa_key())(MESSAGE)
# The signed fields but for their names and spaces, which relaxed forms do not keep, and the
# signature's own value.
_COVERED = re.compile(rb"^(?:From|To|Subject|Date|Message-ID):(?:.*)|\bbh=[^;]+|\bh=[^;]+", re.M)
PLACES = [
    at
    for found in _COVERED.finditer(SIGNED)
    for at in range(*found.span())
    if not SIGNED[at : at + 1].isspace()
]


@given(at=st.sampled_from(PLACES), octet=st.integers(33, 126))
@settings(max_examples=200)
def test_one_other_octet_in_what_was_signed_proves_nothing(at: int, octet: int) -> None:
    changed = SIGNED[:at] + bytes([octet]) + SIGNED[at + 1 :]
    if changed.lower() == SIGNED.lower():  # the names of fields have no case
        return
    assert {verify(changed, found, record(rsa_key())) for found in signatures(changed)} <= {""}


def test_a_name_that_is_signed_and_missing_must_stay_missing() -> None:
    signed = Signer(rsa_key(), h="from:to:subject:date:message-id:reply-to")(MESSAGE)
    assert level(signed) == "A1"
    assert level(swap(signed, b"Subject:", b"Reply-To: x@y.example\r\nSubject:")) == ""


def test_another_from_proves_nothing_wherever_it_stands() -> None:
    for names in ("from:to", "from:from:to"):
        signed = Signer(rsa_key(), h=names)(MESSAGE)
        assert level(signed) == "A1"
        assert level(b"From: <boss@school.example>\r\n" + signed) == ""
        assert level(b"from \t: <boss@school.example>\r\n" + signed) == ""
        assert level(swap(signed, b"To:", b"From: <boss@school.example>\r\nTo:")) == ""


def test_fields_that_come_twice_are_signed_from_the_bottom() -> None:
    twice = swap(MESSAGE, b"Subject:", b"X-Mark: one\r\nX-Mark: two\r\nSubject:")
    once = Signer(rsa_key(), h="from:x-mark")(twice)
    both = Signer(rsa_key(), h="from:x-mark:x-mark")(twice)
    assert (level(once), level(both)) == ("A1", "A1")
    for signed, expected in ((once, "A1"), (both, "")):
        assert level(swap(signed, b"X-Mark: one", b"X-Mark: other")) == expected
        assert level(b"X-Mark: three\r\n" + signed) == "A1"
        assert level(swap(signed, b"X-Mark: two", b"X-Mark: other")) == ""


@pytest.mark.parametrize(
    "signer",
    [
        Signer(rsa_key(), h="to:subject"),
        Signer(rsa_key(), extra="i=@school.example; "),
        Signer(rsa_key(), extra="i=@notclinic.example; "),
        Signer(rsa_key(), extra="i=@example; "),
        Signer(rsa_key(), algorithm="rsa-sha1"),
        Signer(rsa_key(), algorithm="ed25519-sha256"),
        Signer(rsa_key(), algorithm="rsa-sha512"),
        Signer(rsa_key(), c="nowsp/simple"),
        Signer(rsa_key(2048)),
    ],
    ids=["From not signed", "i= of another", "i= that ends alike", "i= above d=", "sha1",
         "the other algorithm", "no algorithm", "no canonical form", "another key"],
)  # fmt: skip
def test_a_signature_that_proves_nothing(signer: Signer) -> None:
    assert level(signer(MESSAGE)) == ""


@pytest.mark.parametrize("tag", ["v=2; ", "l=-1; ", "l=many; ", "l=٣; "])
def test_a_signature_that_cannot_be_read_is_passed_over(tag: str) -> None:
    signed = Signer(rsa_key(), extra=tag)(MESSAGE)
    if tag.startswith("v"):
        signed = swap(signed, b"v=1; ", b"")
    assert signatures(signed) == []


@pytest.mark.parametrize("d", ["", ".", "cli nic", "-x", "é.example", "a" * 300])
def test_a_domain_that_is_none_is_passed_over(d: str) -> None:
    assert signatures(f"DKIM-Signature: v=1; d={d}; s=s1; h=from; b=x; bh=y\n\n".encode()) == []


def test_i_may_lie_below_d_unless_the_key_forbids_it() -> None:
    signed = Signer(rsa_key(), extra="i=news@lists.clinic.example; ")(MESSAGE)
    assert level(signed) == "A1"
    assert level(signed, record(rsa_key(), t="y : s")) == ""
    assert level(SIGNED, record(rsa_key(), t="y : s")) == "A1"


@pytest.mark.parametrize(
    "key",
    [
        "", "p=", "v=DKIM1; k=rsa; p=", "v=DKIM1; k=rsa; p=%%%", "v=DKIM1; p=QUJD", "\x00;=;p",
        record(rsa_key(), p=""), record(rsa_key(), k="ed25519"), record(rsa_key(), k="dsa"),
        record(rsa_key(), v="DKIM2"), record(rsa_key(), h="sha1"), record(rsa_key(), s="tlsrpt"),
        record(ED25519), record(ED25519, k="rsa"),
    ],
)  # fmt: skip
def test_a_key_that_is_revoked_broken_or_for_something_else(key: str) -> None:
    assert level(SIGNED, key) == ""


def test_a_key_may_name_the_hash_and_the_service_in_a_list() -> None:
    assert level(SIGNED, record(rsa_key(), h="sha1 : SHA256", s="other:email")) == "A1"


# Made by OpenSSL, as nothing else makes a key as weak as that any more.
WEAK = b"""\
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=clinic.example; s=s1; h=from;
 bh=UrA8rmgY3eNBotmDWtzAmHyn5RyZv8Gea45sNGsP0zw=;
 b=PmoIndz26jhflgwak2W1lpIlrSFDnU4/VAMFjNtR6ZeZYbCC18DTGjWBW0RqEk68it05im35i5/m3Y+Y2XMsVg==
From: News <news@clinic.example>

Hi.
"""
WEAK_KEY = (
    "p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAK5C9tZ8pNvtUq9NMZ9Ks5SPLUIok2l269Yia6xwsa1I"
    "E1sdWMaIBi3joOrwnT7b/mTbE4sBFdjLnd78h6ZnX/MCAwEAAQ=="
)


def test_a_key_of_512_bits_proves_nothing() -> None:
    assert level(WEAK, WEAK_KEY) == ""


# -- What costs -------------------------------------------------------------------------


HOSTILE = {
    "200 kB of folded lines": b"From: a\r\n" + b" b\r\n" * 50_000,
    "200 kB of one line": b"From: " + b"a" * 200_000,
    "200 kB of spaces": b"From: " + b" \t" * 100_000,
    "200 kB of fields": b"From: a\r\n" + b"A:\r\n" * 50_000,
    "200 kB of no fields": b"From: a\r\n" + b"x\r\n" * 70_000,
    "semicolons": b"DKIM-Signature: " + b";" * 8000 + b"\r\nFrom: a",
    "tags": b"DKIM-Signature: " + b"b=;" * 2600 + b"\r\nFrom: a",
    "one long name": b"a" * 300_000 + b": b",
    "a body of ends": b"From: a\r\n\r\n" + b"\r\n" * 500_000,
    "a body of spaces": b"From: a\r\n\r\n" + b" " * 1_000_000 + b"x",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_headers_made_to_hurt_are_read_in_time(name: str) -> None:
    signed = SIGNED.partition(b"Received:")[0] + HOSTILE[name]
    started = time.process_time()
    for found in signatures(signed):
        assert verify(signed, found, record(rsa_key())) == ""
    assert time.process_time() - started < SECONDS


def test_of_thousands_of_signatures_a_few_are_looked_at() -> None:
    own = SIGNED.partition(b"Received:")[0]
    started = time.process_time()
    found = signatures(own * 5000 + MESSAGE)
    for signature in found:
        verify(own * 5000 + MESSAGE, signature, record(rsa_key()))
    assert time.process_time() - started < SECONDS
    assert len(found) == MOST_SIGNATURES


def test_beyond_its_bounds_a_header_is_not_read() -> None:
    many = b"X: y\r\n" * MOST_FIELDS
    assert signatures(many + SIGNED) == []
    assert signatures(many[6:] + SIGNED) != []
    long = b"X: " + b"y" * MOST_HEADER + b"\r\n"
    assert signatures(long + SIGNED) == []


def test_a_signature_longer_than_any_is_passed_over() -> None:
    assert signatures(Signer(rsa_key(), extra=f"z={'x' * 8192}; ")(MESSAGE)) == []


# -- Whatever comes -----------------------------------------------------------------------


@given(st.binary(max_size=400), st.binary(max_size=200))
@settings(max_examples=200)
def test_no_octets_raise(noise: bytes, more: bytes) -> None:
    own = SIGNED.partition(b"Received:")[0]
    for message in (noise, SIGNED + noise, own + noise + MESSAGE, b"DKIM-Signature: " + noise):
        for found in signatures(message + more):
            verify(message + more, found, record(rsa_key()))


@given(st.data())
@settings(max_examples=200)
def test_no_damaged_signature_or_key_raises(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, SIGNED.index(b"Received:")))
    until = data.draw(st.integers(at, min(at + 20, len(SIGNED))))
    damaged = SIGNED[:at] + data.draw(st.binary(max_size=20)) + SIGNED[until:]
    key = record(rsa_key())
    cut = data.draw(st.integers(0, len(key)))
    for found in signatures(damaged):
        verify(damaged, found, key)
        verify(damaged, found, key[:cut] + data.draw(st.text(max_size=10)) + key[cut + 1 :])
