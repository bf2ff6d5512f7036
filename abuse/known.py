"""What the tables know of the senders and reporters that a batch of reports names: few queries
for any number of reports.  Keys that are on no file yet are asked of the DNS, within bounds."""

import hashlib
import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from ipaddress import ip_address
from typing import Any, Final

import dns.exception
import dns.name
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from abuse.attribution import Known, above
from abuse.models import AddressRange, Loop, Reporter, SigningKey
from abuse.signatures import public_key
from abuse.tracing import trace_key
from customers.models import Domain
from escalation import resolving
from escalation.errors import TryAgainLater
from escalation.limits import Limit, TooOften

log = logging.getLogger(__name__)

MOST_LOOKUPS: Final = 50  # keys asked of the DNS for one batch, or remembered
ASKING: Final = 5.0  # seconds that it may take; the last one up to half of resolving.LIFETIME more
# A sender who invents selectors makes us ask no more often than that.
LOOKUPS: Final = Limit("abuse-key", most=60, seconds=3600)
LOOKUPS_OUTSIDE: Final = Limit("abuse-key-outside", most=2000, seconds=24 * 3600)
REMEMBERED: Final = 3600  # seconds that an answer of the DNS is
LONGEST_RECORD: Final = 2000  # characters of a key record; 4096 bits of RSA take about 740

MOST_LEARNT: Final = 5  # keys of one selector that the DNS had one after the other

Pair = tuple[str, str]  # domain (d=), selector (s=)


def known(evidence: Iterable[Mapping[str, Any]]) -> Known:
    """Collect what these answers of ``abuse.evidence`` may need."""
    signed, names, addresses = set[Pair](), set[str](), set[str]()
    for one in evidence:
        enclosed = one["enclosed"]
        pairs = {(d, s) for d, s in enclosed["signatures"]}
        signed |= pairs
        names |= {d for d, _s in pairs} | {enclosed["from_domain"]}
        names |= {d for d, _s in one["outer"]["signatures"]}
        if source := one["reading"]["feedback"]["source_address"]:
            addresses.add(source)
    parents = {name for domain in names if domain for name in above(domain)}
    tenants = Domain.objects.filter(name__in=parents).values_list("name", "tenant_id")
    reporters = Reporter.objects.live().filter(domain__in=parents)
    found = Known(
        domains=dict(tenants),
        own=frozenset(name.lower() for name in settings.POSTERN_OWN_DOMAINS),
        reporters={row.domain: row for row in reporters},
        trace_key=trace_key(),
        looped=frozenset(
            Loop.objects.live().filter(domain__in=parents).values_list("domain", flat=True)
        ),
    )
    ours = {pair for pair in signed if found.is_ours(pair[0])}
    found.keys = keys_of(ours)
    found.ranges = _ranges(addresses)
    return found


def keys_of(pairs: set[Pair]) -> dict[Pair, list[SigningKey]]:
    rows = SigningKey.objects.filter(
        domain__in={d for d, _s in pairs}, selector__in={s for _d, s in pairs}
    )
    found: dict[Pair, list[SigningKey]] = {}
    for row in rows.order_by("-valid_from", "-pk"):
        found.setdefault((row.domain, row.selector), []).append(row)
    return found


def _ranges(addresses: set[str]) -> dict[str, list[AddressRange]]:
    """The ranges over each address; those whose time has passed too: reports come late."""
    rows = AddressRange.objects.over(ip_address(text) for text in addresses)
    return {
        text: [row for row in rows if row.holds(ip_address(text))] for text in addresses
    }  # fmt: skip


def learn(known: Known, pairs: Iterable[Pair]) -> None:
    """Ask the DNS for the keys of our domains that are on no file, and keep them for good.

    Those that most reports name come first.  Call it outside any transaction.
    """
    named = Counter(pair for pair in pairs if known.is_ours(pair[0]))
    often = [pair for pair, _n in named.most_common()]
    unknown = [pair for pair in often if pair not in known.keys]
    known.unasked |= set(unknown)
    # Those on file too, within the hour once: a key may change under its selector.
    again = [pair for pair in often if pair in known.keys]
    owners = {pair: known.owner_of(pair[0]) for pair in often}
    for pair, record in _answers([*unknown, *again], LOOKUPS, owners):
        known.unasked.discard(pair)
        if public_key(record):
            _keep(pair, record, known.tenant_of(pair[0]))
    known.keys = {**known.keys, **keys_of(set(named))}


def _keep(pair: Pair, record: str, tenant_id: int | None) -> None:
    """Put a key on file; of those that the DNS had under one selector, the latest ones only."""
    mine = SigningKey.objects.filter(domain=pair[0], selector=pair[1])
    with transaction.atomic():
        _row, is_new = mine.get_or_create(
            record=record,
            defaults={
                "domain": pair[0], "selector": pair[1], "tenant_id": tenant_id, "source": "dns",
                "valid_from": datetime.fromtimestamp(0, timezone.get_default_timezone()),
            },
        )  # fmt: skip
        if is_new:
            latest = mine.filter(source="dns").order_by("-pk").values_list("pk", flat=True)
            mine.filter(pk__in=list(latest[MOST_LEARNT : 2 * MOST_LEARNT])).delete()


def ask_outside(known: Known, pairs: Iterable[Pair]) -> None:
    """Ask the DNS for the keys by which enrolled reporters sign their reports, and networks with a
    feedback loop their mail; outside any transaction."""
    often = [pair for pair, _n in Counter(pairs).most_common()]
    known.unasked |= set(often)
    for pair, record in _answers(often, LOOKUPS_OUTSIDE, {}):
        known.unasked.discard(pair)
        known.outside_keys[pair] = record


def _answers(
    pairs: Sequence[Pair], limit: Limit, owners: Mapping[Pair, str]
) -> Iterator[tuple[Pair, str]]:
    """The records of as many of ``pairs`` as answer within ``ASKING``, "" where there is none."""
    end = time.monotonic() + ASKING
    for pair in pairs[:MOST_LOOKUPS]:
        if time.monotonic() > end:
            return
        try:
            yield pair, published(*pair, limit, owners.get(pair, ""))
        except TryAgainLater as problem:
            log.info("%s", problem)


def published(domain: str, selector: str, limit: Limit, owner: str = "") -> str:
    """The key record as the DNS has it, or had it within the hour; "" where it has none.

    ``owner`` is whom the limit counts.  Raises ``TryAgainLater`` where there is no answer, or where
    it was asked too often.
    """
    key = f"dkim:{hashlib.sha256(f'{selector}._domainkey.{domain}'.encode()).hexdigest()}"
    remembered: str | None = cache.get(key)
    if remembered is not None:
        return remembered
    try:
        limit.take(owner or domain)
        records = resolving.ask(f"{selector}._domainkey.{domain}", "TXT", LONGEST_RECORD)
    except (dns.name.LabelTooLong, dns.name.EmptyLabel, dns.name.NameTooLong):
        return ""
    except (TooOften, dns.exception.DNSException) as problem:
        raise TryAgainLater(f"the key {selector} of {domain} could not be asked") from problem
    record = next((text for text in records if "p=" in text), "")
    cache.set(key, record, REMEMBERED)
    return record
