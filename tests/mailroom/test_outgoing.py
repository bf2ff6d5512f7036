"""The mail that leaves us: its headers, its octets, and that nobody can add to them."""

import re
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from escalation.errors import Refused
from mailroom import jobs, outgoing, recipients, rendering
from mailroom.models import Letter
from tests.mailroom.factories import make_letter
from tests.mailroom.postoffice import PostOffice

HEADERS = """\
Content-Type: text/plain; charset="utf-8"
MIME-Version: 1.0
Content-Transfer-Encoding: 7bit
Subject: Is 198.51.100.25 yours?
From: "Postern, Example Mail" <postmaster@mail.example>
To: owner@hosting.example
Message-ID: <letter-7@mail.example>
Date: Thu, 12 Mar 2026 09:14:00 +0000
Auto-Submitted: auto-generated
X-Auto-Response-Suppress: All
Content-Language: en

"""
NAMES = [line.partition(":")[0] for line in HEADERS.splitlines() if line]
MOMENT = datetime(2026, 3, 12, 9, 14, tzinfo=UTC)


def composed(**fields: str) -> Letter:
    whole = {"recipient": "owner@hosting.example", "subject": "Is 198.51.100.25 yours?", **fields}
    return Letter(pk=7, language="en", written_at=MOMENT, **whole)


def octets(letter: Letter) -> bytes:
    return bytes(outgoing.message(letter).message().as_bytes())


def parsed(letter: Letter) -> EmailMessage:
    return BytesParser(EmailMessage, policy=default).parsebytes(octets(letter))


def test_the_headers_are_these() -> None:
    assert octets(composed(body="Hello\n")).decode() == HEADERS + "Hello\n"


def test_a_list_or_a_vacation_reply_finds_no_way_back() -> None:
    names = [name.lower() for name in list(parsed(composed(body="x")))]

    assert not [name for name in names if name.startswith("list-") or name == "precedence"]


@given(text=st.text(max_size=600))
@example("a\r\nBcc: all@example.org")
@example("a\nBcc: all@example.org\n\nbody")
@example("\x85\u2028\u2029\x0b\x0c\x1cBcc: x@example.org")
@example("=?utf-8?q?=0D=0ABcc:_x@example.org?=")
@settings(max_examples=300)
def test_no_subject_and_no_text_adds_a_header(text: str) -> None:
    words = rendering.render("mailroom/alert", {"subject": text, "text": text}, "en")

    mail = parsed(composed(subject=words.subject, body=words.body))

    assert list(mail.keys()) == NAMES
    assert mail["To"] == "owner@hosting.example"
    assert not mail.is_multipart()
    assert mail.get_content() == words.body
    assert mail["Subject"] == words.subject
    assert "\n" not in words.subject


ADDRESS_LIKE = st.one_of(
    st.text(max_size=80),
    st.from_regex(r"[a-z<>\r\n,; \"@.:+-]{1,20}@[a-z<>\r\n,; \"@.\[\]-]{1,20}", fullmatch=True),
    st.builds(
        "{}{}@{}{}".format,
        st.sampled_from(["a", "", "b.c"]),
        st.text(max_size=3),
        st.text(max_size=3),
        st.sampled_from(["x.example", ".example", "한국.kr"]),
    ),
)


@given(typed=ADDRESS_LIKE)
@settings(max_examples=500)
def test_a_recipient_is_one_plain_address_or_refused(typed: str) -> None:
    try:
        address = recipients.recipient(typed)
    except Refused:
        return

    assert re.fullmatch(r"[!-~]{1,64}@[a-z0-9.-]{3,253}", address)
    assert not set(address) & set('<>,;:"()[]\\ ')
    mail = parsed(composed(recipient=address, body="x"))
    assert list(mail.keys()) == NAMES
    assert [one.addr_spec for one in mail["To"].addresses] == [address]


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("abuse@hosting.example", "abuse@hosting.example"),
        ("  NOC+Desk@Hosting.Example ", "NOC+Desk@hosting.example"),
        ("o'brien@hosting.example", "o'brien@hosting.example"),
        ("webmaster@한국.kr", "webmaster@xn--3e0b707e.kr"),
        ("a@b.co", "a@b.co"),
    ],
)
def test_plain_addresses_are_taken(typed: str, address: str) -> None:
    assert recipients.recipient(typed) == address


@pytest.mark.parametrize(
    "typed",
    [
        "", "@", "nobody", "a@", "@b.example", "a@b", "a@b.example\n", "a@b.example\r\nBcc: c@d.e",
        "a\n@b.example", "<a@b.example>", "A <a@b.example>", "a@b.example, c@d.example", "a b@c.d",
        '"a b"@c.example', "a@[192.0.2.1]", "a@192.0.2.1", "a@b..example", ".a@b.example",
        "a.@b.example", "a..b@c.example", "-oQ@b.example", "a@-b.example", "a@b_c.example",
        "민지@mail.example", "a@b.example.", f"{'a' * 65}@b.example", f"a@{'b' * 64}.example",
        f"a@{'b.' * 130}example", "a@b.example" + "x" * 400, "a\x00@b.example", "a@b\u2028.example",
        "a@b@c.example", "a%0d%0a@b.example\r",
    ],
)  # fmt: skip
def test_what_is_no_plain_address_is_refused_in_words(typed: str) -> None:
    with pytest.raises(recipients.NotAnAddress) as refused:
        recipients.recipient(typed)

    assert refused.value.message.isprintable()


@pytest.mark.django_db
def test_a_korean_letter_arrives_as_it_was_written(post: PostOffice) -> None:
    subject = "198.51.100.25가 귀하의 주소가 맞습니까? " + "확인 부탁드립니다 " * 5
    text = (
        "안녕하십니까, 저희는 메일 서비스의 창구입니다. " * 20 + "\n\n감사합니다.\n.\nFrom 여기까지"
    )
    letter = make_letter(subject=subject, text=text, language="ko")

    jobs.sweep_letters()

    raw = post.taken[0].content
    assert isinstance(raw, bytes)
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78
    mail = post.mail()
    assert (mail["Content-Language"], mail.get_content_charset()) == ("ko", "utf-8")
    assert mail["Subject"] == subject.strip() == letter.subject
    content = mail.get_content().replace("\r\n", "\n")
    assert content == letter.body
    assert "감사합니다.\n.\nFrom 여기까지\n" in content
    assert max(map(rendering.columns, content.split("\n"))) <= rendering.LINE


@pytest.mark.parametrize(
    ("line", "wrapped"),
    [
        ("word " * 30, "word " * 15 + "\n" + "word " * 15),
        ("- " + "word " * 20, "- " + "word " * 15 + "\n  " + "word " * 5),
        ("> " + "word " * 20, "> " + "word " * 15 + "\n> " + "word " * 5),
        ("see https://" + "x" * 100 + " now", "see\nhttps://" + "x" * 100 + "\nnow"),
        ("- " + "x" * 100, "- " + "x" * 100),
        ("가나 " * 20, "가나 " * 15 + "\n" + "가나 " * 5),
        ("> " * 50 + "deep", "> " * 38 + "\n" + "> " * 12 + "deep"),
    ],
)
def test_lines_break_between_words(line: str, wrapped: str) -> None:
    body = rendering.render("mailroom/alert", {"text": line}, "en").body

    expected = "\n".join(part.rstrip() for part in wrapped.split("\n"))
    assert body.partition("\n\n-- \n")[0] == expected


def test_a_line_without_end_is_sent_in_pieces() -> None:
    letter = composed(body="x" * 5000)

    raw = octets(letter)

    assert max(map(len, raw.split(b"\n"))) <= 78
    assert parsed(letter).get_content().strip() == "x" * 5000
