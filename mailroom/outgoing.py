"""A letter as the mail that leaves us: the same octets each time it is sent."""

from email.charset import QP, Charset
from email.header import Header
from email.utils import format_datetime, formataddr
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMessage

from mailroom import tokens
from mailroom.models import Letter

LONGEST_LINE: Final = 900  # characters; RFC 5322 section 2.1.1 allows 998 octets

# Quoted-printable passes every server: no line is too long for it, and no octet has 8 bits.
SAFE = Charset("utf-8")
SAFE.body_encoding = QP


class _Mail(EmailMessage):
    def message(self, **options: Any) -> Any:
        """Compose the mail, with a subject that leaves room for its name in the first line.

        Words that look like encoded ones (RFC 2047) are encoded, to be read as they stand.
        """
        composed: Any = super().message(**options)  # refuses line breaks
        subject = str(self.subject)
        charset = "us-ascii" if subject.isascii() and "=?" not in subject else "utf-8"
        composed.replace_header("Subject", Header(subject, charset, header_name="Subject"))
        return composed


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
    if not text.isascii() or max(map(len, text.split("\n"))) > LONGEST_LINE:
        mail.encoding = SAFE
    return mail


def link(letter: Letter) -> str:
    """The address behind ``Letter.LINK``, with the token that no row keeps."""
    path = letter.link_path.replace("{token}", tokens.token(letter.link_key))
    return f"{settings.POSTERN_URL}{path}"


def _desk() -> str:
    return " ".join(f"{settings.POSTERN_NAME}, {settings.POSTERN_OPERATOR}".split())
