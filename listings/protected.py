"""What must never be listed: space that is not public, ours, our tenants', everybody's."""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from escalation import prefixes
from escalation.prefixes import Prefix
from listings.models import Protected

EVERYONES = Path(__file__).with_name("protected.txt")

NOT_PUBLIC = gettext_noop(
    "%(prefix)s is not public address space (private, reserved or for documentation), so no mail "
    "can come from it over the Internet. Take the address from the bounce."
)
OWN = gettext_noop(
    "%(prefix)s is, or holds, address space of our own or of a party we never refuse (%(other)s)."
)
INFRASTRUCTURE = gettext_noop(
    "%(prefix)s is, or holds, an address that all of the Internet needs (%(other)s), such as that "
    "of a root server."
)
RECEIVER = gettext_noop(
    "%(prefix)s is, or holds, address space from which a big receiver sends (%(other)s): a listing "
    "would refuse the mail of very many. Report the message to them instead."
)
TENANTS = gettext_noop(
    "%(prefix)s is, or holds, address space of a customer of ours (%(other)s). Speak with them; an "
    "operator can end the protection at the desk."
)
WORDS = {
    Protected.Kind.OWN: OWN,
    Protected.Kind.TENANT: TENANTS,
    Protected.Kind.RECEIVER: RECEIVER,
    Protected.Kind.INFRASTRUCTURE: INFRASTRUCTURE,
}

Range = tuple[str, str, str, str]  # keys of first and last, words, the prefix
Ranges = tuple[list[Range], list[str]]  # in order and apart, and their first keys
Block = tuple[Prefix, str]  # with its words


def why(prefix: Prefix) -> str:
    """Why ``prefix`` may be on no list, "" if it may; one query."""
    if reason := _said(_fixed(prefix.version, *_wishes()), prefix):
        return reason
    row = Protected.objects.live().touching(prefix).order_by("length").first()
    return _words(WORDS[Protected.Kind(row.kind)], prefix, str(row)) if row else ""


def checker() -> Callable[[Prefix], str]:
    """``why`` for very many prefixes: what protects them is read once, now."""
    rows = [
        (prefixes.parse_prefix(row.prefix), WORDS[Protected.Kind(row.kind)])
        for row in Protected.objects.live()
    ]
    known = {family: _fixed(family, *_wishes()) for family in (4, 6)}
    by_desk = {family: _apart(family, rows) for family in (4, 6)}

    both = {family: _merged(known[family], by_desk[family]) for family in (4, 6)}

    def said(prefix: Prefix) -> str:
        return _said(both[prefix.version], prefix)

    return said


def _merged(one: Ranges, other: Ranges) -> Ranges:
    """The ranges of both; where they nest, the first that covers speaks."""
    apart: list[Range] = []
    for found in sorted([*one[0], *other[0]], key=lambda its: (its[0], -int(its[1], 16))):
        if not apart or apart[-1][1] < found[0]:
            apart.append(found)
    return apart, [its[0] for its in apart]


def _said(ranges: Ranges, prefix: Prefix) -> str:
    first, last = prefixes.keys(prefix)
    before = bisect_right(ranges[1], last) - 1
    if before < 0 or ranges[0][before][1] < first:
        return ""
    found = ranges[0][before]
    return _words(found[2], prefix, found[3])


def _words(words: str, prefix: Prefix, other: str) -> str:
    return _(words) % {"prefix": prefixes.shown(prefix), "other": other}


def _wishes() -> tuple[tuple[str, ...], bool, bool]:
    own = tuple(settings.POSTERN_PROTECTED)
    return own, settings.POSTERN_DEMO, settings.POSTERN_PROTECT_RECEIVERS


@cache
def _fixed(family: int, own: tuple[str, ...], documentation_too: bool, receivers: bool) -> Ranges:
    """What settings and our own file protect; built once for each setting."""
    blocks = [(block, NOT_PUBLIC) for block in _closed(documentation_too)]
    blocks += [(prefixes.parse_prefix(text), OWN) for text in own]
    blocks += [(block, words) for block, words in _everyones() if receivers or words != RECEIVER]
    return _apart(family, blocks)


def _apart(family: int, blocks: Iterable[Block]) -> Ranges:
    """The ranges of a family, in order; of nested ones the outer one speaks."""
    found = sorted(
        (block.network_address, block.prefixlen, block, words)
        for block, words in blocks
        if block.version == family
    )
    apart: list[Range] = []
    for *_at, block, words in found:
        first, last = prefixes.keys(block)
        if not apart or apart[-1][1] < first:  # prefixes nest or lie apart
            apart.append((first, last, words, prefixes.shown(block)))
    return apart, [one[0] for one in apart]


def _closed(documentation_too: bool) -> list[Prefix]:
    """All that is not public: IPv6 outside 2000::/3 is not allocated (RFC 4291)."""
    outside = [prefixes.parse_prefix(block) for block in ("::/3", "4000::/2", "8000::/1")]
    blocks = [*prefixes.NOT_PUBLIC, *outside]
    if documentation_too:
        blocks = [block for block in blocks if block not in prefixes.DOCUMENTATION]
    return blocks


def _everyones() -> list[Block]:
    """What the file beside this one names, under its headings."""
    headings = {"[infrastructure]": INFRASTRUCTURE, "[receivers]": RECEIVER}
    found, words = [], OWN
    for line in EVERYONES.read_text("ascii").splitlines():
        if line in headings:
            words = headings[line]
        elif line and not line.startswith("#"):
            found.append((prefixes.parse_prefix(line), words))
    return found
