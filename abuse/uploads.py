"""Mail that is handed in on the web or by the API: what is refused at once, how much, how often."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from escalation.errors import Refused
from escalation.limits import Limit
from mailroom import tokens
from mailroom.guards import OLE_MAGIC
from mailroom.models import Channel, Purpose
from mailroom.receiving import MAX_BYTES, TooLarge, store

MIB: Final = 1024 * 1024
MOST_FILES: Final = 20  # of one upload; the server of the pages takes no more either
MOST_TEXT: Final = MIB  # octets of a message that is pasted
BY_FORM: Final = Limit("report-form", most=30, seconds=3600)  # uploads of one network
BY_API: Final = Limit("report-api", most=300, seconds=3600)  # requests of one network
KIBIBYTES: Final = Limit("report-kib", most=200 * 1024, seconds=3600)  # of one network, by both
# How files begin that hold no mail: PNG, JPEG, GIF, WebP, PDF, ZIP (and Office), gzip, RTF.
NO_MAIL: Final = (
    b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"%PDF-", b"PK\x03\x04", b"\x1f\x8b", b"{\\rtf",
)  # fmt: skip


class NotAMail(Refused):
    """What was handed in is no mail, and the message says how to save one."""

    code = "not-a-mail"
    status = 422
    title = gettext_lazy("This is no mail")


class TooMany(Refused):
    """More files than one upload may have."""

    code = "too-many-files"
    status = 413
    title = gettext_lazy("These are too many files")


def too_many() -> TooMany:
    words = _("At most %d files fit into one report: send the others after it.")
    return TooMany(words % MOST_FILES)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an upload: how many mails are new, and how many somebody sent before."""

    token: str
    new: int
    known: int


def check(raw: bytes) -> None:
    """Refuse what nobody can read as a mail.  Raises ``NotAMail`` and ``TooLarge``, with words."""
    if not raw.strip(b" \t\r\n\0"):
        raise NotAMail(_("There is nothing in it. Save the message itself, as an .eml file."))
    if len(raw) > MAX_BYTES:
        raise TooLarge(_("It is larger than %d MiB: leave it out.") % (MAX_BYTES // MIB))
    if raw.startswith(OLE_MAGIC):
        raise NotAMail(
            _(
                "This is a file of Outlook’s own. Open the message, show its internet headers, and "
                "paste them with the text; or save it as .eml in Outlook on the web."
            )
        )
    if raw.startswith(NO_MAIL):
        raise NotAMail(
            _(
                "This is a picture, a document or an archive, and proves nothing. Save the message "
                "itself as an .eml file, with all of its headers."
            )
        )


def check_all(sizes: Sequence[int]) -> None:
    """Refuse too many files, or too much in all.  Raises ``TooMany`` and ``TooLarge``."""
    if len(sizes) > MOST_FILES + 1:  # and what is pasted
        raise too_many()
    if sum(sizes) > settings.POSTERN_REPORT_MIB * MIB:
        raise TooLarge(
            _("Together they are larger than %d MiB: send some of them after the others.")
            % settings.POSTERN_REPORT_MIB
        )


def admit(limit: Limit, visitor: str, sizes: Sequence[int]) -> None:
    """Count an upload for a network.  Raises ``TooOften``."""
    limit.take(visitor)
    KIBIBYTES.take(visitor, sum(size // 1024 + 1 for size in sizes))


def who(visitor: str) -> str:
    """A network as it is kept with a report: a keyed hash."""
    return salted_hmac("abuse.visitor", visitor, algorithm="sha256").hexdigest()


def take(
    mails: Iterable[bytes], *, purpose: Purpose, channel: Channel, who: str, language: str
) -> Taken:
    """Keep the mails of one upload: one transaction, one link for all that are new.

    What was sent before has the link of whoever sent it, which is nobody else's to know.
    """
    seed = uuid.uuid4()
    with transaction.atomic():
        rows = [
            store(raw, purpose=purpose, channel=channel, who=who, language=language, seed=seed)
            for raw in sorted(set(mails))  # in one order for everybody: of two, one waits
        ]
    new = sum(is_new for _row, is_new in rows)
    return Taken(tokens.token(f"report:{seed}"), new, len(rows) - new)


def in_words(known: int) -> str:
    """That mails were reported before, for whoever sent them again."""
    return ngettext(
        "%d message had been reported before, exactly as it is. It counts once.",
        "%d messages had been reported before, exactly as they are. Each counts once.",
        known,
    ) % known  # fmt: skip
