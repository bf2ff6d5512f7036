"""Letters that came back: the bounce (RFC 3464) that a later server wrote to our envelope sender.

The address names the letter and holds a mark that only we and whoever got the letter know, so that
nobody else ends our writing to somebody by a made-up bounce.
"""

import re
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from escalation import owed
from escalation.errors import TryAgainLater
from mailroom import dsn
from mailroom.actions import wake
from mailroom.delivery import LONGEST_REPLY
from mailroom.diagnosis import Diagnosis, Failure
from mailroom.models import Letter, Received
from mailroom.rendering import single_line

_ADDRESS: Final = re.compile(r"bounce\+(\d{1,18})-([0-9a-f]{16})@", re.ASCII)
FAILED: Final = "failed"  # Action (RFC 3464, section 2.3.3); delayed and the like change nothing


def letter_of(recipient: str) -> Letter | None:
    """The letter that a bounce to this address is about; None where nothing shows that it is."""
    found = _ADDRESS.match(recipient.strip("<> ").lower())
    letter = Letter.objects.filter(pk=int(found[1])).first() if found else None
    if found is None or letter is None:
        return None
    return letter if constant_time_compare(letter.bounce_mark, found[2]) else None


def note(mail: Received) -> None:
    """Read a bounce, outside any transaction, and record that its letter did not arrive."""
    letter = letter_of(mail.recipient)
    said = dsn.read_guarded(bytes(mail.raw)) if letter is not None else None
    with transaction.atomic():
        owed.finish(mail)
        if said is not None and said.kind == "unreadable":
            Received.objects.filter(pk=mail.pk).update(unread=said.error[:40])
        failure = _failure(said, letter) if said is not None and letter is not None else None
        if letter is None or failure is None or mail.mail_from.strip("<> "):
            return
        if letter.status in {"queued", "deferred"}:  # its answer is not on file yet
            raise TryAgainLater("the letter is still on its way", after=60)
        _came_back(letter, failure)


def _failure(said: Diagnosis, letter: Letter) -> Failure | None:
    """What failed for good; None for a delay, or where only some behind the mailbox have it not."""
    if said.kind != "bounce" or not said.results:
        return None
    to = letter.recipient.lower()
    ours = [one for one in said.results if one.recipient.lower() == to] or list(said.results)
    return ours[0] if all(_is_final(one) for one in ours) else None


def _is_final(one: Failure) -> bool:
    """By its action (RFC 3464, section 2.3.3), and without one by its status or its reply."""
    if one.action:
        return one.action.lower() == FAILED
    return (one.status or one.smtp_code).startswith("5")


def _came_back(letter: Letter, failure: Failure) -> None:
    """From accepted to refused, once: whoever waits for the letter goes on as after a refusal."""
    now = timezone.now()
    code = failure.smtp_code
    waiting = Letter.objects.filter(pk=letter.pk, accepted_at__isnull=False, bounced_at=None)
    if waiting.update(
        accepted_at=None, refused_at=now, bounced_at=now,
        smtp_code=int(code) if str(code).isdigit() else None,
        smtp_reply=single_line(failure.diagnostic or failure.status, LONGEST_REPLY),
    ):  # fmt: skip
        wake(letter)
