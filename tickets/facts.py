"""Facts from the DNS about a refused address and its sender's domain.

``gather`` asks everything at once, within ``LIFETIME`` seconds in all.  Each
fact is ``{"found": [...]}``, or ``{"failed": why}`` when the DNS gave no
answer: *no* and *could not look up* are told apart.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypedDict

import dns.exception
import dns.resolver
import dns.reversename
from django.conf import settings

from escalation import prefixes
from escalation.prefixes import Prefix

LIFETIME = 5.0  # seconds for all questions together
MOST_TEXT = 500  # characters kept of one record


class Fact(TypedDict, total=False):
    """One answer: what was found (maybe nothing), or why there is no answer."""

    found: list[str]
    failed: str


def gather(prefix: Prefix, domain: str) -> dict[str, Fact]:
    """Ask for reverse and forward names, SPF and DMARC; never raises, never lasts longer."""
    questions: dict[str, Callable[[], list[str]]] = {
        "spf": lambda: [text for text in _texts(domain) if text.lower().startswith("v=spf1")],
        "dmarc": lambda: [
            text for text in _texts(f"_dmarc.{domain}") if text.lower().startswith("v=dmarc1")
        ],
    }
    if prefixes.is_single(prefix):
        questions["reverse"] = lambda: _reverse_names(prefix)
        questions["forward_confirmed"] = lambda: _forward_confirmed(prefix)
    pool = ThreadPoolExecutor(len(questions), thread_name_prefix="dns")
    asked = {name: pool.submit(ask) for name, ask in questions.items() if domain or name[0] in "rf"}
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


def _resolver() -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=not settings.POSTERN_DNS)
    if settings.POSTERN_DNS:
        resolver.nameservers = settings.POSTERN_DNS
    return resolver


def _ask(name: str, kind: str) -> list[str]:
    try:
        answer = _resolver().resolve(name, kind, lifetime=LIFETIME / 2)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    if kind == "TXT":  # strings of one record are joined without spaces (RFC 7208, section 3.3)
        texts = (b"".join(record.strings).decode("ascii", "replace") for record in answer)
        return [plain(text)[:MOST_TEXT] for text in texts]
    return [plain(str(record)).rstrip(".")[:MOST_TEXT] for record in answer]


def plain(text: str) -> str:
    """``text`` without what no database keeps (NUL), and no screen should show."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _texts(name: str) -> list[str]:
    return _ask(name, "TXT")


def _reverse_names(prefix: Prefix) -> list[str]:
    return _ask(str(dns.reversename.from_address(str(prefix.network_address))), "PTR")


def _forward_confirmed(prefix: Prefix) -> list[str]:
    """The reverse names that lead back to the address."""
    kind = "A" if prefix.version == 4 else "AAAA"
    address = str(prefix.network_address)
    return [name for name in _reverse_names(prefix)[:5] if address in _ask(name, kind)]
