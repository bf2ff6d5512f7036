"""Questions to the DNS, each within a bounded time; *no* and *could not look up* are told apart."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypedDict

import dns.exception
import dns.resolver
import dns.reversename
from django.conf import settings
from dns.nameserver import Do53Nameserver

from escalation.prefixes import Address

LIFETIME = 5.0  # seconds for all questions that are asked together
MOST_TEXT = 500  # characters kept of one record
MOST_RECORDS = 20  # records of one answer that are read
MOST_NAMES = 5  # reverse names of one address that are looked up again

Question = Callable[[], list[str]]


class Fact(TypedDict, total=False):
    """One answer: what was found (maybe nothing), or why there is no answer."""

    found: list[str]
    failed: str


def ask_all(questions: Mapping[str, Question]) -> dict[str, Fact]:
    """Ask everything at once; never raises, never lasts longer than ``LIFETIME`` and a bit."""
    pool = ThreadPoolExecutor(max(1, len(questions)), thread_name_prefix="dns")
    asked = {name: pool.submit(question) for name, question in questions.items()}
    wait(asked.values(), timeout=LIFETIME + 0.5)
    pool.shutdown(wait=False, cancel_futures=True)
    facts: dict[str, Fact] = {}
    for name, future in asked.items():
        if not future.done():
            facts[name] = {"failed": "no answer in time"}
        elif error := future.exception():
            facts[name] = {"failed": type(error).__name__}
        else:
            facts[name] = {"found": future.result()}
    return facts


def ask(name: str, kind: str, longest: int = MOST_TEXT) -> list[str]:
    """The records of ``name``, as text of at most ``longest`` characters each.

    [] where the DNS says that there is none.  Raises ``dns.exception.DNSException`` when there is
    no answer.
    """
    try:
        answer = _resolver().resolve(name, kind, lifetime=LIFETIME / 2)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    records = list(answer)[:MOST_RECORDS]
    if kind == "TXT":  # strings of one record are joined without spaces (RFC 7208, section 3.3)
        texts = (b"".join(record.strings).decode("ascii", "replace") for record in records)
        return [plain(text)[:longest] for text in texts]
    return [plain(str(record)).rstrip(".")[:longest] for record in records]


def _resolver() -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=not settings.POSTERN_DNS)
    if settings.POSTERN_DNS:
        resolver.nameservers = [_server(text) for text in settings.POSTERN_DNS]
    return resolver


def _server(text: str) -> Do53Nameserver:
    """A resolver as the setting names it: ``192.0.2.1``, ``192.0.2.1:5353`` or ``2001:db8::1``."""
    address, colon, port = text.rpartition(":")
    if colon and ":" not in address and port.isdigit():
        return Do53Nameserver(address, int(port))
    return Do53Nameserver(text)


def plain(text: str) -> str:
    """``text`` without what no database keeps (NUL), and no screen should show."""
    return "".join(c if c.isprintable() else "?" for c in text)


def texts(name: str) -> list[str]:
    return ask(name, "TXT")


def texts_beginning(name: str, mark: str) -> list[str]:
    """The TXT records of ``name`` that begin with ``mark``, in whatever case."""
    return [text for text in texts(name) if text.lower().startswith(mark)]


def reverse_name(address: Address) -> str:
    """The name under which the DNS keeps what an address is called (RFC 1035, section 3.5)."""
    return str(dns.reversename.from_address(str(address))).rstrip(".")


def reverse_names(address: Address) -> list[str]:
    return ask(reverse_name(address), "PTR")


def forward_confirmed(address: Address) -> list[str]:
    """The reverse names that lead back to the address (RFC 8601, section 3)."""
    kind = "A" if address.version == 4 else "AAAA"
    names = reverse_names(address)[:MOST_NAMES]
    return [name for name in names if str(address) in ask(name, kind)]
