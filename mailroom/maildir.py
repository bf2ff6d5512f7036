"""A Maildir that the mail server delivers to: what is new there becomes rows.

A file goes from ``new`` to ``cur`` when its row has been committed.  A process that dies between
the two finds the same bytes again, whose key says that they are known.
"""

import heapq
import logging
import os
import time
from email.parser import BytesHeaderParser
from email.policy import compat32
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction

from mailroom.diagnosis import TOO_LARGE
from mailroom.models import Channel, Purpose, Received
from mailroom.receiving import MAX_BYTES, purpose_of, store

log = logging.getLogger(__name__)

AT_ONCE: Final = 200  # files of one turn
SECONDS: Final = 10.0  # after which a turn begins no other file
HEAD: Final = 64 * 1024  # octets in which the recipient is looked for
SEEN: Final = ":2,S"  # the flags of a mail that was read (maildir(5))
LEFT: Final = ":2,F"  # flagged: too large for us, an operator's to look at
NOTED: Final = ("x-original-to", "delivered-to", "envelope-to")  # by mail servers, on top


def collect() -> int:
    """Store what is new in ``POSTERN_MAILDIR``, the oldest first; return how many files."""
    if not settings.POSTERN_MAILDIR:
        return 0
    folder, end = Path(settings.POSTERN_MAILDIR), time.monotonic() + SECONDS
    n = 0
    for name in _oldest(folder):
        if time.monotonic() > end:
            break
        n += _take(folder, name)
    return n


def _oldest(folder: Path) -> list[str]:
    """The files that came first: their names begin with the second."""
    try:
        (folder / "cur").mkdir(mode=0o700, exist_ok=True)
        with os.scandir(folder / "new") as found:
            names = (one.name for one in found if one.is_file(follow_symlinks=False))
            return heapq.nsmallest(AT_ONCE, names)
    except OSError as error:
        log.warning("the Maildir cannot be read: %s", error)
        return []


def _take(folder: Path, name: str) -> bool:
    """Store one file and move it to ``cur``; False when another process was quicker."""
    try:
        raw = _contents(folder / "new" / name)
        if is_too_large := len(raw) > MAX_BYTES:
            log.error("a mail of more than %d octets is left in cur: %s", MAX_BYTES, name)
            _note_too_large(raw)
        else:
            purpose, recipient, mail_from = _envelope(raw)
            store(
                raw, purpose=purpose, channel=Channel.MAILDIR, recipient=recipient,
                mail_from=mail_from,
            )  # fmt: skip
        seen = f"{name.partition(':')[0]}{LEFT if is_too_large else SEEN}"
        (folder / "new" / name).rename(folder / "cur" / seen)
    except FileNotFoundError:
        return False
    except OSError as error:
        log.warning("%s cannot be taken from the Maildir: %s", name, error)
        return False
    return True


def _contents(path: Path) -> bytes:
    """The octets of a file, one more than allowed at most; a symbolic link is refused."""
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(number, "rb") as stream:
        return stream.read(MAX_BYTES + 1)


def _envelope(raw: bytes) -> tuple[Purpose, str, str]:
    """For whom it is and from whom, as the mail server noted; else it is a report of junk.

    The topmost field counts: what stands below may come from the sender.
    """
    header = BytesHeaderParser(policy=compat32).parsebytes(raw[:HEAD])
    noted = (str(value) for name, value in header.items() if name.lower() in NOTED)
    recipient = next(noted, "")
    mail_from = str(header.get("Return-Path", ""))
    if purpose := purpose_of(recipient):
        return purpose, recipient, mail_from
    return Purpose.JUNK, "", mail_from


def _note_too_large(raw: bytes) -> None:
    """Its head stands in *unread*, with the reason."""
    purpose, recipient, mail_from = _envelope(raw)
    with transaction.atomic():
        row, _is_new = store(
            raw[:HEAD], purpose=purpose, channel=Channel.MAILDIR, recipient=recipient,
            mail_from=mail_from,
        )  # fmt: skip
        Received.objects.filter(pk=row.pk).update(unread=TOO_LARGE, due_at=None)
