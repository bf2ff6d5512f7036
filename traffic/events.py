"""What a line of a log comes to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.utils import timezone

from escalation import prefixes
from escalation.errors import Refused
from escalation.prefixes import Address
from mailroom.recipients import domain_name

MAX_EMAIL = 320  # characters of an address that are kept
MAX_LINE = 8192  # bytes of a line that are looked at
AHEAD = timedelta(days=1)  # that a server's clock may be: what is later would outlive every watch


@dataclass(frozen=True, slots=True)
class Event:
    """One mail, or one attempt: refused by our list, or accepted.

    ``recipient_domain`` is in lower case and A-label form, "" where the log
    names no recipient; ``listing`` is the number that our reply named, 0 for none.
    """

    at: datetime
    address: Address
    is_refused: bool
    sender: str = ""
    recipient: str = ""
    recipient_domain: str = ""
    listing: int = 0


def made(
    at: datetime, client: str, *, is_refused: bool, sender: str, recipient: str, listing: int = 0
) -> Event | None:
    """An event out of what a log says; None for the future, or a client not of the Internet."""
    if at > timezone.now() + AHEAD or (address := client_address(client)) is None:
        return None
    return Event(
        at, address, is_refused, plain(sender), plain(recipient), domain_of(recipient), listing
    )


def plain(email: str) -> str:
    """An envelope address as it is kept: printable, lower case, and not too long to be one."""
    text = "".join(sign for sign in email.strip("<> ") if sign.isprintable()).lower()
    return text if len(text) <= MAX_EMAIL else ""


def domain_of(email: str) -> str:
    """The domain of an address, in lower case and A-label form; "" if there is none."""
    _local, at, domain = email.strip("<> ").rpartition("@")
    return _name(domain[: MAX_EMAIL + 1]) if at else ""


@lru_cache(maxsize=10_000)
def _name(domain: str) -> str:
    return domain_name(domain)


@lru_cache(maxsize=10_000)
def client_address(text: str) -> Address | None:
    """The address of a client, None for one that is not of the Internet: ourselves, or unknown."""
    try:
        address = prefixes.parse_address(text)
    except Refused:
        return None
    return None if address.is_loopback else address
