"""A letter as the mail that leaves us: the same octets each time it is sent."""

from datetime import datetime
from email.charset import QP, Charset
from email.header import Header
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.utils import format_datetime, formataddr
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMessage, SafeMIMEText

from mailroom import tokens
from mailroom.models import Letter

LONGEST_LINE: Final = 900  # characters; RFC 5322 section 2.1.1 allows 998 octets

# Quoted-printable passes every server: no line is too long for it, and no octet has 8 bits.
SAFE = Charset("utf-8")
SAFE.body_encoding = QP


class _Mail(EmailMessage):
    letter: Letter

    def message(self, **options: Any) -> Any:
        """Compose the mail, with a subject that leaves room for its name in the first line.

        Words that look like encoded ones (RFC 2047) are encoded, to be read as they stand.
        """
        composed: Any = super().message(**options)  # refuses line breaks
        subject = str(self.subject)
        charset = "us-ascii" if subject.isascii() and "=?" not in subject else "utf-8"
        composed.replace_header("Subject", Header(subject, charset, header_name="Subject"))
        if not (letter := self.letter).feedback:
            return composed
        return _as_report(composed, _boundary(letter), letter.feedback, bytes(letter.enclosed))


def message(letter: Letter) -> EmailMessage:
    """Compose the mail; the envelope sender names the row, the header sender is the desk."""
    text = letter.body.replace(Letter.LINK, link(letter))
    mail = _Mail(
        letter.subject,
        text,
        from_email=letter.envelope_sender,
        to=[letter.recipient],
        headers={
            "From": formataddr((_desk(), settings.POSTERN_POSTMASTER)),
            "Message-ID": letter.message_id,
            "Date": format_datetime(letter.tried_at or letter.written_at),
            "Auto-Submitted": "auto-generated",  # RFC 3834 section 5
            "X-Auto-Response-Suppress": "All",
            "Content-Language": letter.language,
        },
    )
    mail.letter = letter
    if not text.isascii() or max(map(len, text.split("\n"))) > LONGEST_LINE:
        mail.encoding = SAFE
    return mail


def _as_report(words: Any, boundary: str, feedback: str, enclosed: bytes) -> Any:
    """A mail as a report (RFC 5965, section 2): its words, the part for machines, the message.

    ``feedback`` are the fields of the second part, ``enclosed`` is the third, in ASCII.
    """
    report = MIMEMultipart("report", boundary, report_type="feedback-report")
    text = SafeMIMEText(words.get_payload(decode=True).decode(), "plain", "utf-8")
    for name, value in words.items():
        if name.lower() not in {"content-type", "content-transfer-encoding", "mime-version"}:
            report[name] = value
    report.attach(text)
    report.attach(_leaf("feedback-report", feedback))
    report.attach(_leaf("rfc822", enclosed.decode("ascii", "replace")))
    return report


def file(
    subject: str, text: str, *, key: str, at: datetime, feedback: str, enclosed: bytes
) -> bytes:
    """A report as a file that is sent to nobody: in the form of the letters, with CRLF line ends.

    ``key`` names it; the same one gives the same octets.
    """
    mark = tokens.digest(tokens.token(key))[:16]
    words = EmailMessage(
        subject,
        text,
        from_email=settings.POSTERN_POSTMASTER,
        headers={
            "Message-ID": f"<{mark}@{settings.POSTERN_LETTER_DOMAIN}>",
            "Date": format_datetime(at),
        },
    )
    composed = _as_report(words.message(), f"=_report-{mark}", feedback, enclosed)
    return bytes(composed.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


def _boundary(letter: Letter) -> str:
    """Comes from the row, so that a copy sent after a crash is the same."""
    return f"=_report-{letter.pk}-{letter.bounce_mark}"


def _leaf(kind: str, text: str) -> Message:
    """A part message/``kind`` whose text stays as it is."""
    part = Message()
    part["Content-Type"] = f"message/{kind}"
    part.set_payload(text)
    return part


def link(letter: Letter) -> str:
    """The address behind ``Letter.LINK``, with the token that no row keeps."""
    path = letter.link_path.replace("{token}", tokens.token(letter.link_key))
    return f"{settings.POSTERN_URL}{path}"


def _desk() -> str:
    return " ".join(f"{settings.POSTERN_NAME}, {settings.POSTERN_OPERATOR}".split())
