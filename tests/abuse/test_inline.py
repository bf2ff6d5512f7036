"""Messages that are forwarded inside the words of a mail; and quotes, which are no such thing."""

from email.message import EmailMessage
from textwrap import indent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abuse.inline import LONGEST, MOST_BLANK, MOST_LINES, forwarded_in, is_reply
from abuse.reading import Reading, read
from mailroom.sections import ORIGINAL_CHARS

GMAIL = """\
Look at this.

---------- Forwarded message ---------
From: Sales <sales@school.example>
Date: Tue, Nov 24, 2026 at 9:00 AM
Subject: Buy now
To: <reader@reader.example>


Buy it now!
"""
GMAIL_KOREAN = """\
---------- Forwarded message ---------
보낸사람: 판매 <sales@school.example>
Date: 2026년 11월 24일 (화) 오전 9:00
Subject: Buy now
To: <reader@reader.example>

지금 사세요!
"""
APPLE = """\
Junk.

Begin forwarded message:

> From: Sales <sales@school.example>
> Subject: Buy now
> Date: 24 November 2026 at 09:00:00 GMT
> To: reader@reader.example
>\x20
> Buy it now!
"""
THUNDERBIRD = """\
-------- Forwarded Message --------
Subject: \tBuy now
Date: \tTue, 24 Nov 2026 09:00:00 +0000
From: \tSales <sales@school.example>
To: \treader@reader.example

Buy it now!
"""
OUTLOOK = """\
Please stop them.

________________________________
From: Sales <sales@school.example>
Sent: Tuesday, November 24, 2026 9:00 AM
To: reader@reader.example
Subject: Buy now

Buy it now!
"""
OUTLOOK_KOREAN = """\
-----Original Message-----
보낸 사람: Sales [mailto:sales@school.example]
보낸 날짜: 2026년 11월 24일 화요일 오전 9:00
받는 사람: reader@reader.example
제목: Buy now

지금 사세요!
"""
NAVER = """\
-----Original Message-----
From: "Sales"<sales@school.example>
To: <reader@reader.example>;
Cc:
Sent: 2026-11-24 (화) 09:00:00 (GMT+09:00)
Subject: Buy now

지금 사세요!
"""
DAUM = """\
--------- 원본 메일 ---------
보낸사람 : Sales <sales@school.example>
받는사람 : reader@reader.example
날짜 : 2026년 11월 24일
제목 : Buy now

지금 사세요!
"""
HANDED_ON = """\
---------- 전달된 메일 ----------
보낸 사람: Sales <sales@school.example>
제목: Buy now

지금 사세요!
"""
FORMS = {
    "gmail": GMAIL, "gmail-ko": GMAIL_KOREAN, "apple": APPLE, "thunderbird": THUNDERBIRD,
    "outlook": OUTLOOK, "outlook-ko": OUTLOOK_KOREAN, "naver": NAVER, "daum": DAUM,
    "handed-on": HANDED_ON,
}  # fmt: skip
PASTED = """\
This came today:

Return-Path: <bounce@school.example>
Received: from mx.school.example (mx.school.example [192.0.2.40])
\tby mx.reader.example with ESMTP id 1; Tue, 24 Nov 2026 09:00:00 +0000
From: Sales <sales@school.example>
To: reader@reader.example
Subject: Buy now
Date: Tue, 24 Nov 2026 09:00:00 +0000
Message-ID: <junk-1@school.example>

Buy it now!
"""


def mail(words: str, subject: str = "Fwd: Buy now", **headers: str) -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "a@reader.example", "junk@mail.example", subject
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(words)
    return made.as_bytes()


def read_words(words: str, subject: str = "Fwd: Buy now", **headers: str) -> Reading:
    return read(mail(words, subject, **headers))


@pytest.mark.parametrize("words", FORMS.values(), ids=FORMS)
def test_what_a_mail_program_forwards_is_found(words: str) -> None:
    found = read_words(words)

    assert (found.kind, found.format, found.inline) == ("plain", "", True)
    assert found.original is not None
    assert found.original.sender_email == "sales@school.example"
    assert found.original.subject == "Buy now"
    assert found.message_id == ""  # these forms do not name it
    assert found.feedback.source_address == ""


def test_the_text_begins_with_the_message_and_has_no_quote_marks() -> None:
    text = read_words(APPLE).original_text

    assert text.startswith("From: Sales <sales@school.example>\nSubject: Buy now\n")
    assert text.endswith("\n\nBuy it now!")


def test_a_pasted_header_block_names_the_message() -> None:
    found = read_words(PASTED, subject="Re: spam")

    assert (found.kind, found.inline) == ("plain", True)
    assert found.message_id == "junk-1@school.example"
    assert found.original_text.startswith("Return-Path: <bounce@school.example>\nReceived: from")


def test_a_pasted_header_block_below_a_mark_names_the_message() -> None:
    words = PASTED.replace("This came today:", "-----Original Message-----")

    assert read_words(words, subject="Re: spam").message_id == "junk-1@school.example"


def test_the_first_of_several_counts() -> None:
    assert read_words(PASTED + GMAIL).message_id == "junk-1@school.example"
    assert read_words(GMAIL + PASTED).message_id == ""


def test_a_pasted_header_block_may_have_lost_its_folds() -> None:
    assert read_words(PASTED.replace("\n\tby", "\nby")).message_id == "junk-1@school.example"


def test_a_page_without_plain_text_is_read_by_its_words() -> None:
    made = EmailMessage()
    made["Subject"] = "Fwd: Buy now"
    lines = "".join(f"<div>{line}</div>" for line in GMAIL.replace("<", "&lt;").splitlines())
    made.set_content(f"<html><body>{lines}</body></html>", subtype="html")

    found = read(made.as_bytes())

    assert found.inline
    assert found.original is not None
    assert found.original.sender_email == "sales@school.example"


# -- What is none ------------------------------------------------------------------------------

QUOTES = {
    "quote": "No.\n\nOn Tue, 24 Nov 2026, Sales wrote:\n> Buy it now!\n> From: x\n> Date: y\n",
    "quoted-forward": indent(GMAIL, "> "),
    "mark-alone": "-----Original Message-----\n\nBuy it now!\n",
    "mark-far-away": "Begin forwarded message:" + "\n" * (MOST_BLANK + 2) + GMAIL.split("---\n")[1],
    "fields-alone": "From: Sales <sales@school.example>\nTo: me\nSubject: Buy now\n",
    "one-field": "---------- Forwarded message ---------\nFrom: Sales <s@school.example>\n\nx",
    "underscores": "_" * 40 + "\nOur office is closed.\n",
    "scattered": "From: a@b.example\n\nDate: today\n\nReceived: yes\n",
    "words": "I forwarded message after message; the original message is lost.",
}


@pytest.mark.parametrize("words", QUOTES.values(), ids=QUOTES)
def test_a_quote_or_a_word_is_no_forwarded_message(words: str) -> None:
    found = read_words(words)

    assert (found.kind, found.inline, found.original_text) == ("plain", False, "")


@pytest.mark.parametrize("subject", ["Re: Buy now", "RE: RE: x", "=?utf-8?B?UmU6IHg=?=", "답장: x"])
def test_a_mark_that_answers_bear_too_counts_only_in_what_is_no_answer(subject: str) -> None:
    assert not read_words(OUTLOOK, subject).inline
    assert not read_words(NAVER, subject).inline
    assert read_words(GMAIL, subject).inline


def test_a_subject_that_was_forwarded_is_no_answer() -> None:
    assert not is_reply("FW: Re: Buy now")
    assert not is_reply("Reminder: pay")
    assert is_reply(" Re[2]: x")


@pytest.mark.parametrize("path", ["<>", "", "<MAILER-DAEMON>", "MAILER-DAEMON@mx.school.example"])
def test_a_bounce_in_free_words_forwards_nothing(path: str) -> None:
    assert read_words(PASTED, Return_Path="<a@reader.example>").inline
    assert not read_words(PASTED, Return_Path=path).inline


def test_a_message_that_is_enclosed_counts_before_one_in_the_words() -> None:
    made = EmailMessage()
    made["Subject"] = "Fwd"
    made.set_content(PASTED)
    inner = EmailMessage()
    inner["From"], inner["Message-ID"] = "x@other.example", "<other@other.example>"
    inner.set_content("x")
    made.add_attachment(inner)

    found = read(made.as_bytes())

    assert (found.format, found.inline) == ("rfc822", False)
    assert found.message_id == "other@other.example"


# -- Bounds ------------------------------------------------------------------------------------


def test_only_so_many_lines_and_characters_are_looked_at() -> None:
    assert forwarded_in("x\n" * (MOST_LINES - 20) + GMAIL, in_reply=False)
    assert forwarded_in("x\n" * MOST_LINES + GMAIL, in_reply=False) is None
    assert forwarded_in("x" * LONGEST + "\n" + GMAIL, in_reply=False) is None
    assert len(read_words(GMAIL + "long " * 60_000).original_text) <= ORIGINAL_CHARS


def test_control_characters_and_turned_directions_are_not_shown() -> None:
    found = read_words(GMAIL + "a\x1b[31mb\u202ec\u2066d\x07e\tf")

    assert found.original_text.endswith("a[31mbcde\tf")


@pytest.mark.parametrize(
    "line",
    [
        "-----Original Message-----",
        "Begin forwarded message:",
        "From: x",
        ">",
        "_" * 100,
        "가나 " * 9,
    ],
)
def test_the_same_line_again_and_again_costs_little(line: str) -> None:
    assert forwarded_in(f"{line}\n" * MOST_LINES, in_reply=False) is None


PIECES = [*FORMS.values(), PASTED, "From: a@b.example", "Received: x", "> ", "\n", "___", "a\tb"]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=40), max_size=12), st.booleans())
def test_whatever_the_words_are_the_text_is_a_part_of_them(
    pieces: list[str], in_reply: bool
) -> None:
    words = "".join(pieces)
    found = forwarded_in(words, in_reply=in_reply)

    if found is not None:
        taken = found.text.split("\n")
        rest = words.splitlines()[-len(taken) :]
        assert taken in (rest, [line.removeprefix(">").removeprefix(" ") for line in rest])
        assert len(found.text) <= LONGEST
