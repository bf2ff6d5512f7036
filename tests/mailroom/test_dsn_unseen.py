"""Bounces and replies of kinds that no corpus here holds: other languages, mailers and forms."""

import base64

import pytest

from mailroom.blocks import Block, block_in
from mailroom.dsn import read
from tests.mailroom.bounces import HEADERS, rows

A = "192.0.2.17"
B = "198.51.100.9"
V6 = "2001:db8:5::25"

REFUSED = f"554 5.7.1 Service unavailable; Client host [{A}] blocked using bl.example.net"
ROW = ["b@recipient.example", "554", "5.7.1", A, "list"]


def mail(text: str, sender: str = "MAILER-DAEMON@mx.sender.example", *headers: str) -> bytes:
    lines = [f"From: {sender}", "To: a@sender.example", "Content-Type: text/plain; charset=utf-8"]
    return ("\n".join([*lines, *headers]) + f"\n\n{text}\n").encode()


# Notices in languages whose words nobody wrote down


@pytest.mark.parametrize(
    ("sender", "subject", "words"),
    [
        ("MAILER-DAEMON@mx.sender.example", "메일 전송 오류", "다음 주소로 보내지 못했습니다"),
        ("MAILER-DAEMON@mx.sender.example", "Re: x", "Viestiä ei voitu toimittaa"),
        ("postmaster@mx.sender.example", "Doručení se nezdařilo", "Zprávu nelze doručit"),
    ],
)
def test_a_daemon_that_tells_of_a_reply_and_an_address_bounces(
    sender: str, subject: str, words: str
) -> None:
    found = read(
        mail(f"{words}:\n\n<b@recipient.example>\n{REFUSED}", sender, f"Subject: {subject}")
    )
    assert (found.kind, rows(found)) == ("bounce", [ROW])


@pytest.mark.parametrize("sign", ["Return-Path: <>", "Auto-Submitted: auto-replied"])
@pytest.mark.parametrize("answer", ["Subject: AW: x", "In-Reply-To: <1@sender.example>"])
def test_a_postmaster_who_answers_is_a_program_only_by_its_signs(sign: str, answer: str) -> None:
    text = f"Hyvä asiakas, lokissa on <b@recipient.example>: {REFUSED}"
    sender = "postmaster@recipient.example"
    assert read(mail(text, sender, answer)).kind == "other"
    assert read(mail(text, sender, answer, "Auto-Submitted: no")).kind == "other"
    assert read(mail(text, sender, answer, sign)).kind == "bounce"


@pytest.mark.parametrize(
    "text",
    [
        "<b@recipient.example>: 554 tilausta",  # no enhanced code
        "554 5.7.1 Estetty",  # nobody is named
    ],
)
def test_a_daemon_that_tells_less_does_not_bounce(text: str) -> None:
    assert read(mail(f"Hei,\n\n{text}")).kind == "other"


def test_a_person_who_quotes_a_reply_does_not_bounce() -> None:
    text = f"Hei, lokissa on <b@recipient.example>: {REFUSED}"
    assert read(mail(text, "Mika <mika@recipient.example>")).kind == "other"


def test_a_delay_is_told_in_german() -> None:
    text = f"Noch nicht zugestellt:\n<b@recipient.example>: 450 4.7.1 Greylisted ({A})"
    assert read(mail(text, "MAILER-DAEMON@x.example", "Subject: Warnung")).results[0].action == (
        "delayed"
    )


# Which address is the reason


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        # Postfix's wrapper is no cause of its own.
        (f"450 4.7.1 <b@r.example>: Recipient address rejected: client {A} greylisted", "greylist"),
        (f"554 5.7.1 <b@r.example>: Recipient address rejected: Blocked: {A} is on SORBS", "list"),
        # The speaker and what else was named are not the client.
        (f"550 5.7.1 Access denied to {A} by mx.r.example ({B}): blocklist", "list"),
        (f"550 5.7.1 ip={A}, mx={B}: listed in RBL", "list"),
        (f"550 5.7.1 (client={A}, server={B}) denied by blacklist", "list"),
        # A list is no host, though it does the blocking.
        (f"550 5.7.1 Mail is refused by blacklist.example.net: {A}", "list"),
        # Rates without a word for the client.
        (f"452 4.5.3 Hourly limit exceeded for {A}, try again later", "rate"),
        (f"421 4.7.0 Too many errors today for {A}, try again later", "rate"),
        (f"421 4.7.0 The message rate was too high for host {A}, try again later", "rate"),
        (f"451 4.7.1 Our limit for server {A} is 20", "rate"),
        (f"421 4.7.0 Message rate exceeded: {A} (20)", "rate"),
        # The reply opens with the address.
        (f"550 5.7.1 [{A}] Our records say that it has a poor reputation", "list"),
        (f"550 5.7.1 Refused, dynamic IP address {A} (pool)", "list"),
        # The refusal leads up to the address.
        (f"554 5.7.1 Bad sender: {A}", "list"),
        (f"550 Not currently accepting mail, {A}", "list"),
        (f"450 4.7.1 Intrusion prevention [{A}]", "list"),
        (f"550 5.7.1 Not welcome: {A}", "list"),
        (f"554 5.7.1 Mensaje bloqueado ({A})", "list"),
        (f"554 5.7.1 Gesperrt: {A}", "list"),
        (f"554 5.7.1 차단 [{A}]", "list"),
        (f"554 5.7.1 黑名单 [{A}]", "list"),
        (f"554 invalid hostname: {A} (unknown)", "rdns"),
        (f"550 No matches to nameserver query, {A}", "rdns"),
        (f"550 5.7.1 Dropped - see http://help.r.example/?a={A}", "list"),
        (f"550 5.7.1 blocked, see https://r.example/a/{V6}", "list"),
    ],
)
def test_the_refused_address_is_named(reply: str, kind: str) -> None:
    expected = V6 if V6 in reply else A
    assert block_in(reply) == Block(expected, kind)


@pytest.mark.parametrize(
    "reply",
    [
        f"550 5.7.1 Message refused by mx.r.example ({B}): blacklisted sender",
        f"550 5.7.1 Delivery denied by {B}: policy violation",
        f"450 greylisted by mx.r.example ({B})",
        f"550 5.7.1 The message has an address in its body ({B}) listed in bl.example.net",
        f"554 5.7.1 It contains a link to {B} listed on a blocklist",
        f"550 5.7.1 The URL host {B} is blacklisted",
        f"550 5.7.1 Your network {V6}/64 is blocked",
        f"450 4.2.1 <b@r.example>: Recipient address rejected: mailbox busy ({B})",
        f"550 5.1.1 <b@r.example>: Recipient address rejected: user unknown ({B})",
        f"550 5.1.1 <b@r.example>: Recipient address rejected ({B})",
        f"552 5.2.2 Mailbox quota exceeded [{B}]",
        f"552 5.3.4 Size limit exceeded {B}",
        f"552 Mail size exceeds 20 MB: {B}",
        f"554 5.4.6 Too many hops, last from {B}",
        f"554 Mail size exceeded. See http://r.example/errors?ip={B}",
        f"550 5.7.1 Refused, mail looks like bulk: {B}",
        f"550 5.7.1 Message rejected for abuse: {B}",
        f"550 5.7.1 Abuse policy of mx.r.example [{B}]",
        "554 5.7.1 Dropped by scanner version 10.2.3.4",
        f"550 5.7.1 No, see http://r.example/denied?a={B}",
    ],
)
def test_an_address_that_is_not_the_reason_is_not_named(reply: str) -> None:
    assert block_in(reply).address == ""


# Notices in HTML


@pytest.mark.parametrize(
    "row",
    [
        f"<td>b@recipient.example</td><td>{REFUSED}</td>",
        f"<th>To</th><td>b@recipient.example</td><th>Why</th><td>{REFUSED}</td>",
        f"<td>b@recipient.example<br>{REFUSED.replace(' ', '&nbsp;', 1)}</td>",
    ],
)
def test_the_cells_of_a_table_are_words_of_their_own(row: str) -> None:
    headers = HEADERS + b"Content-Type: text/html; charset=utf-8\n\n"
    page = f"<p>It failed.</p><table><tr>{row}</tr></table>"
    assert rows(read(headers + page.encode())) == [ROW]


# Bounces that somebody passed on

QMAIL = (
    HEADERS
    + (
        "\nI'm afraid I wasn't able to deliver.\n\n<b@recipient.example>:\n"
        f"{B} does not like recipient.\nRemote host said: {REFUSED}\nGiving up on {B}.\n"
    ).encode()
)


def passed_on(kind: str, body: bytes) -> bytes:
    return (
        b"From: a@sender.example\nTo: desk@postern.example\nSubject: Help\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/mixed; boundary="=_out"\n\n'
        b"--=_out\nContent-Type: text/plain\n\nWhat is this?\n"
        b"--=_out\nContent-Type: " + kind.encode() + b"\n\n" + body + b"\n--=_out--\n"
    )


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("message/rfc822", QMAIL),
        ('application/octet-stream; name="bounce.eml"', QMAIL),
        (
            'application/octet-stream; name="bounce.EML"\nContent-Transfer-Encoding: base64',
            base64.encodebytes(QMAIL.replace(b"\n", b"\r\n")),
        ),
    ],
    ids=["message", "file", "coded"],
)
def test_a_bounce_without_a_report_is_read_where_it_is_passed_on(kind: str, body: bytes) -> None:
    found = read(passed_on(kind, body))
    assert (found.kind, rows(found)) == ("bounce", [ROW])


@pytest.mark.parametrize(
    "letter", [b"From: b@recipient.example\nSubject: x\n\nGood day.\n", REFUSED.encode()]
)
def test_a_mail_that_is_passed_on_bounces_only_if_it_did(letter: bytes) -> None:
    assert read(passed_on("message/rfc822", letter)).kind == "other"
    assert read(passed_on('text/plain; name="x.eml"', letter)).kind == "other"


# Several recipients


def told(text: str) -> list[list[str]]:
    return [
        [one.recipient, one.smtp_code, one.status, one.remote_mta]
        for one in read(HEADERS + b"\n" + text.encode()).results
    ]


def test_who_is_listed_first_is_told_where_the_reply_follows() -> None:
    text = """Delivery has failed to these recipients:

a@recipient.example
The address couldn't be found.

b@recipient.example
The mailbox is full.

Details:

a@recipient.example
Remote Server returned '550 5.1.1 not found'

b@recipient.example
Remote Server returned '554 5.2.2 mailbox full'
"""
    assert told(text) == [
        ["a@recipient.example", "550", "5.1.1", ""],
        ["b@recipient.example", "554", "5.2.2", ""],
    ]


def test_who_has_words_of_his_own_is_not_told_what_others_were() -> None:
    text = "It failed:\n\na@recipient.example\n550 5.1.1 no\n\nb@recipient.example\nIs full.\n"
    assert told(text) == [
        ["a@recipient.example", "550", "5.1.1", ""],
        ["b@recipient.example", "", "5.2.2", ""],
    ]


def test_one_reply_before_the_list_is_for_all() -> None:
    text = f"""Could not be delivered because of

{REFUSED}

These recipients failed:
    a@recipient.example
    b@recipient.example

More:
Size: 2 kB
"""
    assert told(text) == [
        ["a@recipient.example", "554", "5.7.1", ""],
        ["b@recipient.example", "554", "5.7.1", ""],
    ]


SENDMAIL = """   ----- The following addresses had permanent fatal errors -----
<a@recipient.example>
<b@other.example>

   ----- Transcript of session follows -----
... while talking to mx.recipient.example.:
>>> RCPT To:<a@recipient.example>
<<< 550 5.1.1 <a@recipient.example>... User unknown
550 5.1.1 <a@recipient.example>... User unknown
... while talking to mx.other.example.:
>>> RCPT To:<b@other.example>
<<< 552 5.2.2 <b@other.example>... Mailbox full
554 5.0.0 <b@other.example>... Service unavailable
"""


def test_each_recipient_of_sendmail_has_the_reply_and_the_host_above_it() -> None:
    assert told(SENDMAIL) == [
        ["a@recipient.example", "550", "5.1.1", "mx.recipient.example"],
        ["b@other.example", "552", "5.2.2", "mx.other.example"],
    ]


def test_the_line_of_sendmail_itself_explains_nothing() -> None:
    text = """   ----- The following addresses had permanent fatal errors -----
<b@recipient.example>

   ----- Transcript of session follows -----
554 5.0.0 <b@recipient.example>... Service unavailable
... while talking to mx.recipient.example.:
<<< 552 5.2.2 Mailbox full
"""
    assert told(text) == [["b@recipient.example", "552", "5.2.2", "mx.recipient.example"]]


def test_communigate_names_the_host_that_says_it() -> None:
    text = (
        "Failed to deliver to 'b@recipient.example'\nreports:\n host mx.recipient.example says:\n"
    )
    assert told(text + " 550 5.7.1 no") == [
        ["b@recipient.example", "550", "5.7.1", "mx.recipient.example"]
    ]
