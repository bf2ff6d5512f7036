"""Our own mark on outbound mail: whose it is, made for one message, and nobody else can make it.

It stands in ``CFBL-Feedback-ID`` (RFC 9477), survives redaction and needs no DNS:
``v1.TENANT.TIME.MAC``, where MAC is the first 32 hex digits of an HMAC-SHA256 over
``v1.TENANT.TIME.MESSAGE-ID``.  Bound to the Message-ID (without its angle brackets), it proves
nothing when it is copied onto another message.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

HEADER: Final = "CFBL-Feedback-ID"
MAC_DIGITS: Final = 32

_VALUE: Final = re.compile(r"v1\.(\d{1,12})\.(\d{1,12})\.([0-9a-f]{32})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Trace:
    """What a mark that holds says."""

    tenant_id: int
    at: datetime


def make(key: str, tenant_id: int, message_id: str, at: datetime) -> str:
    """The mark for a message of a tenant; ``key`` is in hex, ``message_id`` without brackets."""
    stem = f"v1.{tenant_id}.{int(at.replace(microsecond=0).timestamp())}"
    return f"{stem}.{_mac(key, stem, message_id)}"


def check(key: str, value: str, message_id: str) -> Trace | None:
    """What the mark says; None where it does not hold for this message.  Never raises."""
    found = _VALUE.fullmatch(value.strip())
    if found is None:
        return None
    stem = value.strip().rpartition(".")[0]
    if not hmac.compare_digest(found[3], _mac(key, stem, message_id)):
        return None
    try:
        return Trace(int(found[1]), datetime.fromtimestamp(int(found[2]), UTC))
    except (ValueError, OverflowError, OSError):
        return None


def _mac(key: str, stem: str, message_id: str) -> str:
    text = f"{stem}.{message_id.strip('<> ')}".encode("utf-8", "surrogatepass")
    return hmac.new(bytes.fromhex(key), text, hashlib.sha256).hexdigest()[:MAC_DIGITS]
