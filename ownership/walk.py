"""The way from an address to the network, its national registry, and its parent."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import quote

from escalation.errors import TryAgainLater
from escalation.prefixes import Prefix, shown
from ownership import rdap, registry
from ownership.facts import ContactFlag, Flag, Kind, NetworkFacts
from ownership.rdap import LookupFailed, NotFound, Rules
from ownership.tables import TABLES, Tables

STEPS_UP = 3  # enclosing prefixes asked for, where the registry links no parent
WIDEST_ASKED = {4: 8, 6: 13}  # nobody holds more
SMALL = {4: 24, 6: 48}  # a longer prefix may be a spammer's own: the parent is asked as well
HANDED_ON = ("reassign", "realloc", "suballoc")


@dataclass(frozen=True, slots=True)
class Found:
    """An answer together with what it says; ``source`` as contacts are marked with it."""

    answer: rdap.Answer
    facts: NetworkFacts
    source: str = "rdap"


def lookup_url(base: str, prefix: Prefix) -> str:
    """Where the server at ``base`` shows the most specific network that holds ``prefix``.

    >>> from ipaddress import ip_network
    >>> lookup_url("https://rdap.example/", ip_network("192.0.2.1/32"))
    'https://rdap.example/ip/192.0.2.1'
    """
    return f"{base.rstrip('/')}/ip/{shown(prefix)}"


def entity_url(base: str, handle: str) -> str:
    return f"{base.rstrip('/')}/entity/{quote(handle, safe='')}"


def base_of(url: str) -> str:
    """The base URL of the server that answered a query for an address, "" if it cannot be told."""
    base, slash, _ = url.partition("/ip/")
    if not slash:
        base, slash, _ = url.partition("/ips/")
    return f"{base}/" if slash else ""


def network(prefix: Prefix, bases: tuple[str, ...], rules: Rules) -> Found:
    """The registered network that holds ``prefix``, from the registry that knows it best.

    ``bases`` are equals; the first one is asked.  Raises ``NotFound``, and
    ``TryLater`` and ``LookupFailed``, which both mean: come back later.
    """
    if not bases:
        raise NotFound(f"no registry keeps {prefix}")
    found = _ask(lookup_url(bases[0], prefix), prefix, rules, "rdap")
    for url in nir_urls(found, prefix, rules):
        try:
            closer = _ask(url, prefix, rules, "rdap")
        except NotFound:
            continue
        except TryAgainLater:
            if found.facts.chosen is None:
                raise
            continue
        if closer.facts.chosen is not None:
            return closer
    return found


def nir_urls(
    found: Found, prefix: Prefix, rules: Rules, tables: Tables = TABLES
) -> tuple[str, ...]:
    """Where a national registry may know more: as linked, or as its mailboxes give away.

    Its own endpoint is asked only if the regional answer has nobody to write
    to but the registry itself (or an address in a remark).
    """
    facts = found.facts
    if Flag.CATCH_ALL in facts.flags:
        return ()
    urls = [rdap.secured(url, rules) for url in facts.related_urls]
    chosen = facts.chosen
    if chosen is None or ContactFlag.REMARK in chosen.flags:
        owned = {one.registry for one in facts.contacts if ContactFlag.REGISTRY in one.flags}
        urls += [
            lookup_url(one.rdap, prefix)
            for one in tables.registries
            if one.key in owned and one.rdap
        ]
    asked = {found.answer.url, found.answer.final_url}
    return tuple(
        url for url in dict.fromkeys(urls) if url not in asked and rdap.permitted(url, rules)
    )


def wants_parent(facts: NetworkFacts) -> bool:
    """Whether the network is small, or handed on by its holder to a customer."""
    plain = "".join(letter for letter in facts.type.casefold() if letter.isalpha())
    if plain.startswith(HANDED_ON):
        return True
    enclosing = facts.enclosing
    return enclosing is not None and enclosing.prefixlen > SMALL[enclosing.version]


def parent(found: Found, rules: Rules) -> Found | None:
    """The network around this one; None if there is none that could be asked.

    The registry's own link comes first, then the enclosing prefixes.  Raises
    ``TryLater`` and ``LookupFailed``.
    """
    enclosing = found.facts.enclosing
    if enclosing is None:
        return None
    up_url = rdap.secured(found.facts.up_url, rules)
    urls = [up_url] if up_url and rdap.permitted(up_url, rules) else []
    base = base_of(found.answer.final_url)
    if base:
        urls += [lookup_url(base, prefix) for prefix in wider_prefixes(found.facts)]
    for url in urls:
        try:
            wider = _ask(url, enclosing, rules, "rdap_parent")
        except NotFound:
            continue
        if _is_wider(wider.facts, found.facts):
            return None if Flag.CATCH_ALL in wider.facts.flags else wider
    return None


def wider_prefixes(facts: NetworkFacts) -> Iterator[Prefix]:
    """The next prefixes around the range, at most ``STEPS_UP``, none wider than anybody holds."""
    prefix = facts.enclosing
    if prefix is None:
        return iter(())
    longest = prefix.prefixlen if facts.prefixes != (prefix,) else prefix.prefixlen - 1
    lengths = range(longest, WIDEST_ASKED[prefix.version] - 1, -1)
    return (prefix.supernet(new_prefix=length) for length in islice(lengths, STEPS_UP))


def _is_wider(wide: NetworkFacts, narrow: NetworkFacts) -> bool:
    if wide.first is None or wide.last is None or narrow.first is None or narrow.last is None:
        return False
    return int(wide.last) - int(wide.first) > int(narrow.last) - int(narrow.first)


def _ask(url: str, prefix: Prefix, rules: Rules, source: str) -> Found:
    """One look-up, whose answer must be a network around ``prefix``."""
    answer = rdap.fetch(url, rules)
    facts = registry.read(answer.document)
    if facts.kind is not Kind.NETWORK:
        raise LookupFailed(f"{answer.final_url}: not a network but: {facts.kind}.")
    if Flag.RANGE_UNKNOWN not in facts.flags and not facts.covers(prefix):
        raise LookupFailed(f"{answer.final_url}: a network that does not hold {prefix}.")
    return Found(answer, facts, source)
