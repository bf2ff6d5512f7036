"""What must never be listed: space that is not public, our own, and the root servers."""

from bisect import bisect_right
from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from escalation import prefixes
from escalation.prefixes import Prefix

EVERYONES = Path(__file__).with_name("protected.txt")

NOT_PUBLIC = gettext_noop(
    "%(prefix)s is not public address space (private, reserved or for documentation), so no mail "
    "can come from it over the Internet. Take the address from the bounce."
)
OWN = gettext_noop(
    "%(prefix)s is, or holds, address space of our own or of a party we never refuse (%(other)s)."
)

Range = tuple[str, str, str, str]  # keys of first and last, words, the prefix


def why(prefix: Prefix) -> str:
    """Why ``prefix`` may be on no list, "" if it may."""
    own = tuple(settings.POSTERN_PROTECTED)
    ranges, firsts = _ranges(prefix.version, own, settings.POSTERN_DEMO)
    first, last = prefixes.keys(prefix)
    before = bisect_right(firsts, last) - 1
    if before < 0 or ranges[before][1] < first:
        return ""
    found = ranges[before]
    return _(found[2]) % {"prefix": prefixes.shown(prefix), "other": found[3]}


@cache
def _ranges(
    family: int, own: tuple[str, ...], documentation_too: bool
) -> tuple[list[Range], list[str]]:
    """Every protected range of a family, in order, none in another; and their first keys.

    Built once for each setting: a bulk import asks a million times.
    """
    blocks = [(block, NOT_PUBLIC) for block in _closed(documentation_too)]
    blocks += [(prefixes.parse_prefix(text), OWN) for text in (*own, *_everyones())]
    found = sorted(
        (block.network_address, block.prefixlen, block, words)
        for block, words in blocks
        if block.version == family
    )
    apart: list[Range] = []
    for *_at, block, words in found:
        first, last = prefixes.keys(block)
        if not apart or apart[-1][1] < first:  # prefixes nest or lie apart: the outer one speaks
            apart.append((first, last, words, prefixes.shown(block)))
    return apart, [one[0] for one in apart]


def _closed(documentation_too: bool) -> list[Prefix]:
    """All that is not public: IPv6 outside 2000::/3 is not allocated (RFC 4291)."""
    outside = [prefixes.parse_prefix(block) for block in ("::/3", "4000::/2", "8000::/1")]
    blocks = [*prefixes.NOT_PUBLIC, *outside]
    if documentation_too:
        blocks = [block for block in blocks if block not in prefixes.DOCUMENTATION]
    return blocks


def _everyones() -> list[str]:
    lines = EVERYONES.read_text("ascii").splitlines()
    return [line for line in lines if line and not line.startswith("#")]
