"""E-mail addresses as registries write them: strict to accept, patient to find."""

import re
from collections.abc import Iterator
from unicodedata import category

ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
LOCAL = re.compile(rf"{ATOM}(\.{ATOM})*", re.IGNORECASE | re.ASCII)
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
TOP = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]{1,59}", re.ASCII)
IN_TEXT = re.compile(r"[\w.+%-]{1,64}@[\w.-]{2,253}\w", re.ASCII)
# As in vCards (RFC 6350, section 3.4), which jCards should have left behind.
ESCAPE = re.compile(r"\\[nrt,;]", re.IGNORECASE)
WORD = re.compile(r"^[a-z-]{1,12}:")  # mailto:, e-mail:
BETWEEN = re.compile(r"[\s,;<>()\[\]\"]+")


def normal(value: str) -> str | None:
    """The address in lower case with an ASCII domain, None if it is not valid.

    No quoted local parts, no address literals, no line ends: what comes back
    is safe in a header.

    >>> normal("Abuse@Hosting.EXAMPLE")
    'abuse@hosting.example'
    >>> normal("someone@") is None
    True
    """
    local, at, domain = value.strip().rpartition("@")
    if not at or len(local) > 64 or not LOCAL.fullmatch(local):
        return None
    host = _host(domain)
    return f"{local.lower()}@{host}" if host and len(local) + len(host) < 254 else None


def _host(domain: str) -> str | None:
    try:
        host = domain.rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    labels = host.split(".")
    if len(labels) < 2 or not TOP.fullmatch(labels[-1]):
        return None
    return host if all(LABEL.fullmatch(label) for label in labels) else None


def all_of(value: str) -> list[str]:
    """The addresses of a field that should hold one: ``mailto:``, names and lists are endured."""
    found: dict[str, None] = {}
    for part in BETWEEN.split(_unescaped(value.lower())):
        plain = WORD.sub("", part.strip("'*|/:")).partition("?")[0]
        if plain.count("@") > 1:  # two addresses with a slash or the like between them
            found |= dict.fromkeys(in_text(plain))
        elif email := normal(plain):
            found[email] = None
    return list(found)


def _unescaped(value: str) -> str:
    """``value`` with blanks for escaped line ends and signs, and without what nobody sees."""
    plain = ESCAPE.sub(" ", value)
    return plain if plain.isascii() else "".join(c for c in plain if category(c) != "Cf")


def in_text(value: str) -> Iterator[str]:
    """The addresses in running text, in order, each as often as it stands there."""
    for found in IN_TEXT.finditer(_unescaped(value)):
        if email := normal(found.group().lstrip(".-")):
            yield email
