"""Mail in: which recipients we take, and the row that is committed before anybody hears "250"."""

import hashlib
import uuid
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalation import queue
from escalation.errors import Refused
from mailroom import rendering, tokens
from mailroom.models import Channel, Purpose, Received

MAX_BYTES: Final = 10 * 1024 * 1024
LONGEST: Final = 320  # characters of an envelope address that are kept

PURPOSES: Final = {
    "junk": Purpose.JUNK,
    "not_junk": Purpose.NOT_JUNK,
    "not-junk": Purpose.NOT_JUNK,
    "fbl": Purpose.LOOP,
    "bounce": Purpose.BOUNCE,
}
NEEDS_DETAIL: Final = frozenset({Purpose.LOOP, Purpose.BOUNCE})  # behind the + it says which


class TooLarge(Refused):
    """More than we keep of one mail."""

    code = "too-large"
    status = 413
    title = gettext_lazy("This mail is too large")


def purpose_of(recipient: str) -> Purpose | None:
    """What a recipient is for; None for one that we do not take."""
    local, _at, domain = recipient.strip("<> ").lower().rpartition("@")
    ours = {settings.POSTERN_LETTER_DOMAIN, *settings.POSTERN_OWN_DOMAINS}
    if domain not in {name.lower() for name in ours}:
        return None
    name, _plus, detail = local.partition("+")
    purpose = PURPOSES.get(name)
    return None if purpose in NEEDS_DETAIL and not detail else purpose


def store(
    raw: bytes,
    *,
    purpose: Purpose,
    channel: Channel,
    mail_from: str = "",
    recipient: str = "",
    language: str = "",
    who: str = "",
    seed: uuid.UUID | None = None,
) -> tuple[Received, bool]:
    """Keep a mail as it came, to be read later: one transaction.

    The same bytes for the same purpose are one row, however often they come: the row that is
    there is returned, with False.  It says how often, but for a Maildir, whose files may be found
    twice.  ``seed`` is shared by the rows of one upload.  Raises ``TooLarge``.
    """
    if len(raw) > MAX_BYTES:
        raise TooLarge(_("A mail may have at most %d MiB.") % (MAX_BYTES // (1024 * 1024)))
    key = hashlib.sha256(purpose.encode() + b"\0" + raw).hexdigest()
    seed = seed or uuid.uuid4()
    fields = {
        "purpose": purpose,
        "channel": channel,
        "mail_from": plain(mail_from),
        "recipient": plain(recipient),
        "raw": raw,
        "size": len(raw),
        "seed": seed,
        "link_digest": tokens.digest(tokens.token(f"report:{seed}")),
        "language": rendering.known_language(language),
        "who": who,
        "due_at": timezone.now(),
    }
    with transaction.atomic():
        row, is_new = Received.objects.defer("raw").get_or_create(key=key, defaults=fields)
        if is_new:
            queue.nudge(sweep_of(purpose))
        elif channel != Channel.MAILDIR:
            Received.objects.filter(pk=row.pk).update(copies=F("copies") + 1)
    return row, is_new


def sweep_of(purpose: str) -> str:
    """The sweep that reads mail for this purpose, one of ``settings.SWEEPS``."""
    return {Purpose.BOUNCE: "bounces", Purpose.LOOP: "loops"}.get(Purpose(purpose), "reports")


def plain(address: str) -> str:
    """An envelope address as it is kept: printable, and not too long to be one."""
    return "".join(sign for sign in address.strip("<> ") if sign.isprintable())[:LONGEST]
