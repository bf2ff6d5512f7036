"""What the bounce reader answers with: plain values, nothing that can fail."""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["bounce", "reply", "report", "other", "unreadable"]

# Why a file could not be read.  The page that shows one of these says what would help.
OUTLOOK_MSG: Final = "msg"
EMPTY: Final = "empty"
TOO_LARGE: Final = "too-large"
TOO_MANY_PARTS: Final = "too-many-parts"
TOO_DEEP: Final = "too-deep"
TOO_MANY_HEADERS: Final = "too-many-headers"
MALFORMED: Final = "malformed"
OUT_OF_TIME: Final = "out-of-time"


@dataclass(frozen=True, slots=True)
class Failure:
    """One recipient who did not get the mail, and what was said about it.

    ``status`` is an RFC 3463 code, ``smtp_code`` three digits, ``diagnostic`` the reply on one
    line without its type.  ``blocked_address`` is the client address that the reply itself
    gives as its reason, in canonical form; ``block_kind`` is ``list``, ``rdns``, ``rate``,
    ``geo`` or ``greylist``, and may be known where the address is not.  What is not said is "".
    """

    recipient: str = ""
    status: str = ""
    smtp_code: str = ""
    action: str = ""
    reporting_mta: str = ""
    remote_mta: str = ""
    diagnostic: str = ""
    blocked_address: str = ""
    block_kind: str = ""


@dataclass(frozen=True, slots=True)
class Original:
    """The mail that came back, as far as it is enclosed; no control characters in any field.

    Where it is not enclosed, only ``sender_email`` is known: the envelope's, to whom it went.
    """

    sender_name: str = ""
    sender_email: str = ""
    to: str = ""
    subject: str = ""
    message_id: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a file turned out to be.

    ``kind`` is ``bounce``, ``reply`` (a bare SMTP reply), ``report`` (a machine's report about
    something else than a failure), ``other`` or ``unreadable``; ``error`` is set for the last
    only, to one of the constants of this module.  ``list_named`` is the display name of the
    blocklist that the replies name first (see ``mailroom.lists``), or "".
    """

    kind: Kind
    results: tuple[Failure, ...] = ()
    error: str = ""
    original: Original | None = None
    list_named: str = ""
