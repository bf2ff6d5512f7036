"""What the DNS says of a server and of its domain, asked while somebody waits: 5 s in all.

Each answer is *found*, *no*, or *could not look up*; what a record means is left to the guide.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from escalation import resolving
from escalation.limits import Limit
from escalation.prefixes import Address
from mailroom.recipients import domain_name

ASKED: Final = Limit("live", most=240, seconds=3600)  # questions of one visitor
MOST_STEPS: Final = 4  # domains that are asked for a policy, from the sender's upwards
LONGEST: Final = 64 * 1024  # octets of a bounce in which a signature is looked for
SHOWN: Final = 200  # characters of a record

_SIGNED: Final = re.compile(rb"(?im)^(?:>\s?)?dkim-signature:((?:[^\n]*\n)(?:[ \t][^\n]*\n){0,20})")
_TAG: Final = re.compile(rb"(?:^|;)\s*([ds])\s*=\s*([A-Za-z0-9._-]{1,200})\s*(?=;|$)")


@dataclass(frozen=True, slots=True)
class Signature:
    """Which key signed a mail: ``s=`` and ``d=`` of its signature (RFC 6376, section 3.5)."""

    selector: str = ""
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked up; what is not known is empty, and its question left out."""

    address: Address | None = None
    domain: str = ""
    signature: Signature = Signature()


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer: ``state`` is ``good``, ``no``, ``warn`` (found, and not right) or ``failed``."""

    name: str
    state: str
    values: tuple[str, ...] = ()
    wanted: str = ""


def signature_in(bounce: bytes) -> Signature:
    """The first DKIM signature in what came back, as far as it is enclosed."""
    found = _SIGNED.search(bounce[:LONGEST].replace(b"\r\n", b"\n"))
    if found is None:
        return Signature()
    folded = b"".join(found[1].split())
    tags = {tag.decode(): value.decode("ascii") for tag, value in _TAG.findall(folded)}
    domain = domain_name(tags.get("d", "")) if "d" in tags else ""
    return Signature(tags.get("s", ""), domain) if domain and "s" in tags else Signature()


def look(asked: Asked, only: str = "") -> list[Seen]:
    """Ask everything at once, or one thing ``only``: names, spf, dmarc, dkim."""
    questions = _questions(asked)
    if only:
        wanted = {"reverse", "names"} if only == "names" else {only}
        questions = {name: ask for name, ask in questions.items() if name in wanted}
    facts = resolving.ask_all(questions) if questions else {}
    return [_seen(name, fact, facts, asked) for name, fact in facts.items() if name != "reverse"]


def parts(asked: Asked) -> list[str]:
    """What there is to ask about, each of which can be asked for alone."""
    return [name for name in _questions(asked) if name != "reverse"]


def _questions(asked: Asked) -> dict[str, Callable[[], list[str]]]:
    questions: dict[str, Callable[[], list[str]]] = {}
    address, domain, signature = asked.address, asked.domain, asked.signature
    if address is not None:
        questions["reverse"] = lambda: resolving.reverse_names(address)
        questions["names"] = lambda: resolving.forward_confirmed(address)
    if domain:
        questions["spf"] = lambda: resolving.texts_beginning(domain, "v=spf1")
        questions["dmarc"] = lambda: _dmarc(domain)
    if signature.domain:
        name = f"{signature.selector}._domainkey.{signature.domain}"
        questions["dkim"] = lambda: [text for text in resolving.texts(name) if "p=" in text]
    return questions


def _dmarc(domain: str) -> list[str]:
    """The policy of the domain, else that of the domains above it: DMARC walks up the tree."""
    labels = domain.split(".")
    for i in range(max(1, min(len(labels) - 1, MOST_STEPS))):
        found = resolving.texts_beginning(f"_dmarc.{'.'.join(labels[i:])}", "v=dmarc1")
        if found:
            return found
    return []


def _seen(name: str, fact: resolving.Fact, facts: dict[str, resolving.Fact], asked: Asked) -> Seen:
    values = tuple(text[:SHOWN] for text in fact.get("found", []))
    state = "failed" if "failed" in fact else "good" if values else "no"
    if name == "names":
        return _names(state, values, facts["reverse"], asked)
    if name == "spf" and len(values) > 1:
        state = "warn"  # more than one record is an error (RFC 7208, section 4.5)
    if name == "dkim" and values and all(_is_revoked(text) for text in values):
        state = "warn"
    return Seen(name, state, values, _wanted(name, asked) if state == "no" else "")


def _names(state: str, values: tuple[str, ...], reverse: resolving.Fact, asked: Asked) -> Seen:
    """Both ways at once: a name, and that it leads back."""
    called = tuple(text[:SHOWN] for text in reverse.get("found", []))
    if state == "no" and called:
        return Seen("names", "warn", called, _wanted("forward", asked, called[0]))
    return Seen("names", state, values, _wanted("names", asked) if state == "no" else "")


def _is_revoked(text: str) -> bool:
    """A key record without a key says that the key is taken back (RFC 6376, section 3.6.1)."""
    return re.search(r"p=\s*(?:;|$)", text) is not None


def _wanted(name: str, asked: Asked, called: str = "") -> str:
    """The record that would mend it, in the form of a zone file; "" where only they can know."""
    address, domain = asked.address, asked.domain
    if name == "names" and address is not None:
        host = f"mail.{domain}" if domain else "mail.example.com"
        return f"{resolving.reverse_name(address)}. PTR {host}."
    if name == "forward" and address is not None:
        return f"{called}. {'A' if address.version == 4 else 'AAAA'} {address}"
    if name == "spf":
        ours = f" ip{address.version}:{address}" if address is not None else ""
        return f'{domain}. TXT "v=spf1 mx{ours} ~all"'
    if name == "dmarc":
        return f'_dmarc.{domain}. TXT "v=DMARC1; p=none"'
    return ""
