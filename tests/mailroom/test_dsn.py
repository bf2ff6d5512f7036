"""Bounces of many mailers, bare replies, and what is neither."""

import pytest

from mailroom.diagnosis import EMPTY, OUTLOOK_MSG, Failure, Original
from mailroom.dsn import first_blocked, read, read_guarded
from mailroom.lists import LISTS, by_name, named_in
from tests.mailroom.bounces import EXPECTED, FIXTURES, HEADERS, report, rows

LISTED = "554 5.7.1 Client host [192.0.2.17] blocked using zen.spamhaus.org"
ONE = {
    "Final-Recipient": "rfc822; one@recipient.example",
    "Action": "failed",
    "Status": "5.7.1",
    "Remote-MTA": "dns; mx.recipient.example (198.51.100.7)",
    "Diagnostic-Code": f"smtp; {LISTED}",
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_bounce_of_each_mailer_is_read(name: str) -> None:
    diagnosis = read((FIXTURES / name).read_bytes())

    assert (diagnosis.kind, rows(diagnosis)) == ("bounce", EXPECTED[name])


def test_every_fixture_is_expected() -> None:
    assert sorted(path.name for path in FIXTURES.glob("*.eml")) == sorted(EXPECTED)


def test_a_report_is_read_in_full() -> None:
    (failure,) = read(report(ONE)).results

    assert failure == Failure(
        recipient="one@recipient.example",
        status="5.7.1",
        smtp_code="554",
        action="failed",
        reporting_mta="mx.sender.example",
        remote_mta="mx.recipient.example",
        diagnostic=LISTED,
        blocked_address="192.0.2.17",
        block_kind="list",
    )


def test_a_delivered_recipient_is_no_failure() -> None:
    two = {"Final-Recipient": "rfc822; two@recipient.example", "Action": "delivered"}

    assert [one.recipient for one in read(report(ONE, two)).results] == ["one@recipient.example"]
    assert read(report(two | {"Status": "2.0.0"})).kind == "report"


def test_the_reply_is_preferred_where_the_status_field_says_nothing() -> None:
    (vague,) = read(report(ONE | {"Status": "5.0.0"})).results
    (exact,) = read(report(ONE | {"Status": "5.7.606"})).results

    assert (vague.status, exact.status) == ("5.7.1", "5.7.606")


def test_fields_in_any_order_case_and_spacing_are_read() -> None:
    odd = {
        "status ": "5.0.0",
        "DIAGNOSTIC-CODE ": f"SMTP;{LISTED}",
        "action ": "Failed (really)",
        "Final-recipient ": "RFC/822;<one@recipient.example>",
    }
    (failure,) = read(report(odd)).results

    assert (failure.recipient, failure.action) == ("one@recipient.example", "failed")
    assert (failure.status, failure.blocked_address) == ("5.7.1", "192.0.2.17")


def test_the_first_line_of_a_long_reply_is_completed_from_the_words() -> None:
    first = "550-5.7.1 [192.0.2.17      12] Our system has detected that this message is"
    words = (
        "   ----- Transcript of session follows -----\n"
        "... while talking to mx.recipient.example.:\n"
        f"<<< {first}\n<<< 550-5.7.1 likely unsolicited mail. The message has been\n"
        "<<< 550 5.7.1 blocked.\n554 5.0.0 Service unavailable"
    )
    (failure,) = read(report(ONE | {"Diagnostic-Code": f"smtp; {first}"}, text=words)).results

    assert (failure.blocked_address, failure.block_kind) == ("192.0.2.17", "list")


def test_one_failure_does_not_borrow_the_reply_of_another() -> None:
    _, _, refused = read((FIXTURES / "postfix-text.eml").read_bytes()).results

    assert (refused.smtp_code, refused.blocked_address) == ("", "")


def test_the_mail_that_came_back_is_found() -> None:
    expected = Original(
        sender_name="Ann Sender",
        sender_email="a.sender@sender.example",
        to="one@recipient.example",
        subject="Lunch",
        message_id="m1@sender.example",
        date="Mon, 02 Mar 2026 09:00:00 +0000",
    )

    for name in ("rfc3464-postfix.eml", "rfc3464-unclosed.eml", "qmail-three.eml"):
        assert read((FIXTURES / name).read_bytes()).original == expected


def test_the_original_is_decoded_and_cleaned() -> None:
    original = read(
        HEADERS + b"\n<one@recipient.example>:\n550 no\n\n--- Below this line is a copy of the "
        b"message.\n\nReturn-Path: <x@sender.example>\nFrom: =?utf-8?b?7ZmN6ri464+Z?= "
        b"<hong@sender.example>\nSubject: =?utf-8?q?a=1B[31m_b=E2=80=AE?=\n folded\n\nbody\n"
    ).original

    assert original is not None
    assert (original.sender_name, original.sender_email) == ("홍길동", "hong@sender.example")
    assert original.subject == "a[31m b folded"


def test_without_the_mail_the_envelope_tells_its_sender() -> None:
    assert read(report(ONE)).original == Original(sender_email="a@sender.example")


def test_a_bounce_passed_on_as_a_file_is_read() -> None:
    inner = report(ONE).decode()
    outer = (
        "From: a@sender.example\nTo: help@desk.example\nSubject: look at this\n"
        'Content-Type: multipart/mixed; boundary="outer"\n\n--outer\nContent-Type: text/plain\n\n'
        f"what is this?\n--outer\nContent-Type: message/rfc822\n\n{inner}\n--outer--\n"
    )

    diagnosis = read(outer.encode())

    assert rows(diagnosis)[0][3] == "192.0.2.17"


def test_a_report_pasted_without_its_headers_is_read() -> None:
    pasted = report(ONE).decode().split("message/delivery-status\n\n")[1]

    assert rows(read(pasted.encode()))[0][:2] == ["one@recipient.example", "554"]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        (LISTED, ["", "554", "5.7.1", "192.0.2.17", "list"]),
        (f'  "{LISTED}"\r\n', ["", "554", "5.7.1", "192.0.2.17", "list"]),
        (
            "553 Mail from 192.0.2.17 not allowed - 5.7.1 [BL23] on a blocklist",
            ["", "553", "5.7.1", "192.0.2.17", "list"],
        ),
        ("452 4.2.2 The mailbox is full", ["", "452", "4.2.2", "", ""]),
        (
            "Mar  2 10:00:00 mx postfix/smtp[42]: 3F1: to=<one@recipient.example>, relay="
            f"mx.recipient.example[198.51.100.7]:25, dsn=5.7.1, status=bounced (host "
            f"mx.recipient.example[198.51.100.7] said: {LISTED} (in reply to RCPT TO command))",
            ["one@recipient.example", "554", "5.7.1", "192.0.2.17", "list"],
        ),
        (f"The server said:\n{LISTED}", ["", "554", "5.7.1", "192.0.2.17", "list"]),
    ],
)
def test_a_bare_reply_is_read(text: str, row: list[str]) -> None:
    diagnosis = read(text.encode())

    assert (diagnosis.kind, rows(diagnosis)) == ("reply", [row])


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"From: a@b.example\nTo: c@d.example\nSubject: lunch\n\nAt noon?\n", "other"),
        (
            b"From: a@b.example\nSubject: Out of office\nAuto-Submitted: auto-replied\n\nBack.",
            "other",
        ),
        (b"Dear Sir or Madam, good morning", "other"),
        (
            b"From: fbl@b.example\nContent-Type: multipart/report; boundary=x\n\n--x\n"
            b"Content-Type: message/feedback-report\n\nFeedback-Type: abuse\n\n--x--\n",
            "report",
        ),
    ],
)
def test_what_is_no_failure_is_called_so(raw: bytes, kind: str) -> None:
    assert (read(raw).kind, read(raw).results) == (kind, ())


def test_an_outlook_file_and_an_empty_one_are_told_apart() -> None:
    outlook = read(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))

    assert (outlook.kind, outlook.error) == ("unreadable", OUTLOOK_MSG)
    assert read(b" \r\n").error == EMPTY


def test_a_text_saved_as_utf_16_is_read() -> None:
    assert read(LISTED.encode("utf-16")).results[0].blocked_address == "192.0.2.17"


def test_the_first_block_is_the_one_with_an_address() -> None:
    grey = ONE | {"Diagnostic-Code": "smtp; 451 4.7.1 Greylisting in action"}
    both, one = read(report(grey, ONE)), read(report(grey))
    found, alone = first_blocked(both), first_blocked(one)

    assert found is not None
    assert found.blocked_address == "192.0.2.17"
    assert alone is not None
    assert alone.block_kind == "greylist"
    assert first_blocked(read(b"452 4.2.2 The mailbox is full")) is None


@pytest.mark.parametrize(
    ("reply", "name"),
    [
        (LISTED, "Spamhaus ZEN"),
        ("554 192.0.2.17 listed at bl.spamcop.net", "SpamCop"),
        ("554 blocked using b.barracudacentral.org", "Barracuda"),
        (
            "550 5.7.606 banned sending IP [192.0.2.17], see https://sender.office.com",
            "Microsoft 365",
        ),
        ("550 192.0.2.17 listed in rbl.nobody.example", "rbl.nobody.example"),
    ],
)
def test_the_list_is_named(reply: str, name: str) -> None:
    row = named_in(reply)

    assert row is not None
    assert row.name == name
    assert read(reply.encode()).list_named == name


def test_words_that_any_service_may_use_name_no_list() -> None:
    assert named_in("550 5.7.606 Access denied, banned sending IP [192.0.2.17]") is None


def test_each_list_has_one_row_and_a_safe_page() -> None:
    assert all(by_name(row.name) is row for row in LISTS)
    assert all(row.page.startswith("https://") or not row.page for row in LISTS)


def test_the_confined_reader_says_the_same() -> None:
    raw = (FIXTURES / "rfc3464-postfix.eml").read_bytes()

    assert read_guarded(raw) == read(raw)
    assert read_guarded(b"").error == EMPTY
