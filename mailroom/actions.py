"""What may be done with a letter: write, cancel, send again; and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from escalation import owed, queue
from escalation.errors import Refused
from mailroom import recipients, rendering
from mailroom.models import Letter

TOKEN = "{token}"  # noqa: S105 -- where the token goes in a link's path


@dataclass(frozen=True, slots=True)
class Copy:
    """A report that a letter carries for machines (RFC 5965): its fields, and the mail reported.

    Both in ASCII, in lines of at most 998 characters.
    """

    fields: str
    enclosed: bytes


def write(
    *,
    key: str,
    kind: str,
    recipient: str,
    language: str,
    template: str,
    context: Mapping[str, Any],
    link_path: str = "",
    link_key: str = "",
    nudge: str = "",
    due_at: datetime | None = None,
    copy: Copy | None = None,
) -> Letter:
    """Write a letter that goes out when the caller's transaction has committed.

    The text comes from ``<template>.subject.txt`` and ``<template>.body.txt``
    (see ``rendering.render``).  ``key`` makes it one letter however often it
    is asked for: the first one is returned, whatever else is passed.
    ``link_path`` is the path of ``{{ link }}``, with ``{token}`` in it where
    the token of ``link_key`` goes.  ``nudge`` names the sweep to wake when the
    mail server has accepted or refused the letter, or we have given it up.
    With ``copy`` it is a report in the form of RFC 5965 as well.

    Raises ``recipients.NotAnAddress``.
    """
    if letter := Letter.objects.filter(key=key).first():
        return letter
    address = recipients.recipient(recipient)
    text = rendering.render(template, context, language)
    _check_references(text, link_path, link_key, nudge)
    fields = {
        "kind": kind,
        "recipient": address,
        "language": rendering.known_language(language),
        "subject": text.subject,
        "body": text.body,
        "link_path": link_path,
        "link_key": link_key,
        "nudge": nudge,
        "due_at": due_at or timezone.now(),
        "feedback": copy.fields if copy else "",
        "enclosed": copy.enclosed if copy else b"",
    }
    with transaction.atomic():
        letter, is_new = Letter.objects.get_or_create(key=key, defaults=fields)
        if is_new and due_at is None:
            queue.nudge("letters")
    return letter


def _check_references(text: rendering.Text, link_path: str, link_key: str, nudge: str) -> None:
    """Mistakes of the caller that would else show only when the letter goes out."""
    if Letter.LINK in text.body and not link_path.startswith("/"):
        raise ValueError("the letter has a link, so link_path must be the path of a page")
    if (TOKEN in link_path) != bool(link_key):
        raise ValueError("link_key goes with {token} in link_path")
    if nudge and nudge not in settings.SWEEPS:
        raise ValueError(f"no sweep is called {nudge!r}")


def cancel(letter: Letter) -> bool:
    """Stop a letter that has not gone out; False if its outcome is already known.

    One that is on its way at this moment may still arrive, and then says so.
    """
    waiting = Letter.objects.filter(
        pk=letter.pk, accepted_at=None, refused_at=None, cancelled_at=None
    )
    return bool(waiting.update(cancelled_at=timezone.now(), due_at=None, parked_at=None))


def send_again(letter: Letter) -> None:
    """Try a letter again that was refused, given up or put off, now and with fresh attempts.

    Raises ``Refused`` for one that went out, waits already, was cancelled, or has no text left.
    """
    with transaction.atomic():
        letter.refresh_from_db(from_queryset=Letter.objects.select_for_update())
        if letter.accepted_at:
            raise Refused(_("The mail server has accepted this letter: it is not sent twice."))
        if letter.cancelled_at:
            raise Refused(_("This letter was cancelled: its occasion has passed."))
        if not letter.body:
            raise Refused(_("The text of this letter was deleted after its time."))
        if not (letter.refused_at or letter.parked_at or letter.last_error):
            raise Refused(_("This letter waits to be sent already."))
        if letter.lease_until and letter.lease_until > timezone.now():
            raise Refused(_("This letter is being sent just now: look again in two minutes."))
        Letter.objects.filter(pk=letter.pk).update(refused_at=None, bounced_at=None)
        owed.owe(letter)
        queue.nudge("letters")


# -- On its way: called by the sweep ----------------------------------------------


def set_out(letter: Letter) -> bool:
    """Commit that ``letter`` goes to the server now; False if it was cancelled meanwhile.

    The first time stays its date, so that a copy sent after a crash is the
    same to the last octet.  Raises ``owed.LeaseLost``.
    """
    mine = Letter.objects.filter(pk=letter.pk, lease_token=letter.lease_token)
    if not mine.filter(cancelled_at=None).update(tried_at=Coalesce("tried_at", timezone.now())):
        owed.finish(letter)
        return False
    letter.refresh_from_db(fields=["tried_at"])
    return True


def put_off(letter: Letter, code: int | None, reply: str) -> None:
    """Keep what the server said to a letter that it did not take yet."""
    if reply:
        mine = Letter.objects.filter(pk=letter.pk, lease_token=letter.lease_token)
        mine.update(smtp_code=code, smtp_reply=reply)


def settle(letter: Letter, *, accepted: bool, code: int | None, reply: str) -> None:
    """Record the server's last word, and wake whoever waits for it.

    Raises ``owed.LeaseLost``.
    """
    moment = "accepted_at" if accepted else "refused_at"
    with transaction.atomic():
        owed.finish(letter)
        Letter.objects.filter(pk=letter.pk).update(
            **{moment: timezone.now(), "smtp_code": code, "smtp_reply": reply}
        )
        wake(letter)


def wake(letter: Letter) -> None:
    """Nudge the sweep that waits for the outcome of ``letter``."""
    if letter.nudge:
        queue.nudge(letter.nudge)
