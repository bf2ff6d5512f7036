"""The mailbox of demo mode: letters as files in a folder, which a page shows."""

import os
import re
import secrets
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import DateHeader
from email.message import EmailMessage as Mail
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import sanitize_address

SIZE: Final = 25  # letters of one page
_NAME = re.compile(r"\d{19}-[0-9a-f]{8}")
_LINK_END = ".,;:!?)]}>'\"”’"  # what a sentence may put behind a link


class Backend(BaseEmailBackend):
    """A mail backend for ``EMAIL_BACKEND`` that keeps every mail as an ``.eml`` file."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        return sum(self._keep(message) for message in email_messages)

    def _keep(self, message: EmailMessage) -> bool:
        to = [sanitize_address(address, "utf-8") for address in message.recipients()]
        if not to:
            return False
        sender = sanitize_address(message.from_email, "utf-8")
        envelope = [f"Return-Path: <{sender}>", *(f"Delivered-To: {address}" for address in to)]
        head = "".join(f"{line}\n" for line in envelope).encode()
        try:
            _write(head + message.message().as_bytes())
        except OSError:
            if not self.fail_silently:
                raise
            return False
        return True


@dataclass(frozen=True, slots=True)
class Piece:
    """A mail in the folder: ``name`` is its file's, without suffix; ``text`` its plain text."""

    name: str
    recipient: str
    sender: str
    subject: str
    sent_at: datetime | None
    headers: list[tuple[str, str]]
    text: str


def folder() -> Path:
    return Path(settings.POSTERN_VAR) / "mailbox"


def _write(octets: bytes) -> None:
    """Write a file that is there either whole or not at all."""
    folder().mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=folder(), prefix=".")
    try:
        with open(handle, "wb") as file:
            file.write(octets)
        Path(draft).rename(folder() / f"{time.time_ns():019d}-{secrets.token_hex(4)}.eml")
    except OSError:
        Path(draft).unlink(missing_ok=True)
        raise


def names() -> list[str]:
    """The names of all mails, newest first."""
    try:
        stems = [Path(entry).stem for entry in os.listdir(folder())]
    except FileNotFoundError:
        return []
    return sorted((stem for stem in stems if _NAME.fullmatch(stem)), reverse=True)


def read(name: str) -> Piece:
    """Read one mail; raises ``FileNotFoundError`` if there is none of that name."""
    if not _NAME.fullmatch(name):
        raise FileNotFoundError(name)
    octets = (folder() / f"{name}.eml").read_bytes()
    mail = BytesParser(Mail, policy=default).parsebytes(octets)
    date = mail["Date"]
    return Piece(
        name=name,
        recipient=str(mail["To"] or ""),
        sender=str(mail["From"] or ""),
        subject=str(mail["Subject"] or ""),
        sent_at=date.datetime if isinstance(date, DateHeader) else None,
        headers=[(header, str(value)) for header, value in mail.items()],
        text=_text(mail),
    )


def _text(mail: Mail) -> str:
    plain = mail.get_body(("plain",))
    return str(plain.get_content()) if plain is not None else ""


def with_links(text: str) -> list[tuple[str, str]]:
    """Cut ``text`` into pieces, each with its address where it is a link to our own pages.

    Whatever else looks like a link stays text: nobody's words lead elsewhere.
    """
    own = re.compile(re.escape(settings.POSTERN_URL) + r"(?=[/?#\s]|$)[^\s<>\"]*")
    pieces, at = [], 0
    for found in own.finditer(text):
        link = found[0].rstrip(_LINK_END)
        pieces += [(text[at : found.start()], ""), (link, link)]
        at = found.start() + len(link)
    return [*pieces, (text[at:], "")]
