"""Looks up whose space a prefix is.  Asks the outside: never call it inside a transaction.

``since`` says how old an answer on our files may be: one read before is asked
for again.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q
from django.utils import timezone

from escalation.errors import TryAgainLater
from escalation.prefixes import Prefix
from ownership import bootstrap, budget, configured, rdap, records, registry, walk
from ownership.bootstrap import Bootstrap
from ownership.facts import Flag
from ownership.models import BootstrapFile, Contact, Lookup, Network
from ownership.walk import Found

FOR_SENDING: Final = timedelta(hours=1)
MOST_PARENTS: Final = 3
UNDIVIDED: Final = {4: 29, 6: 48}  # nobody registers a part of so small a network
MOST_ENTITIES: Final = 2


def stored_bootstrap() -> Bootstrap:
    """IANA's tables as last fetched; the bundled copy, fit for display only, until then."""
    files = {row.name: row for row in BootstrapFile.objects.exclude(fetched_at=None)}
    if not all(name in files and files[name].body for name in bootstrap.FILES):
        return bootstrap.bundled()
    oldest = min(row.fetched_at for row in files.values() if row.fetched_at)
    return bootstrap.combined({name: files[name].body for name in bootstrap.FILES}, oldest)


class Asker:
    """Asks the registries for one row: their rules, their budgets, one time limit for all."""

    def __init__(self) -> None:
        self.tables = stored_bootstrap()
        self.rules = replace(configured.rules(self.tables), admit=budget.Turn(), pause=budget.block)
        self.is_fit = not configured.needs_bootstrap() or self.tables.fit_for_sending(
            timezone.now()
        )

    def network(self, prefix: Prefix) -> Found | None:
        """The network around ``prefix``; None where the registry knows none that is somebody's.

        Raises ``TryAgainLater`` also where IANA's tables are too old to write
        letters by.
        """
        if not self.is_fit:
            raise TryAgainLater("IANA's tables are older than two days.", after=300)
        try:
            found = walk.network(prefix, configured.base_urls(prefix, self.tables), self.rules)
        except rdap.NotFound:
            return None
        if Flag.CATCH_ALL in found.facts.flags:
            return None
        return self._dereferenced(found) if found.facts.chosen is None else found

    def parent(self, found: Found) -> Found | None:
        """The network around a network, None at the top."""
        return walk.parent(found, self.rules)

    def _dereferenced(self, found: Found) -> Found:
        """Ask for the holders themselves where the network's record shows nobody to write to."""
        base = walk.base_of(found.answer.final_url)
        handles = dict.fromkeys([*found.facts.registrants, found.facts.org_handle])
        for handle in [one for one in handles if one][:MOST_ENTITIES] if base else []:
            try:
                answer = rdap.fetch(walk.entity_url(base, handle), self.rules)
            except rdap.NotFound:
                continue
            found = records.with_contacts(found, registry.read(answer.document).contacts)
        return found


def cached(prefix: Prefix, since: datetime) -> Network | None:
    """The network on file for ``prefix``, if a registry gave it as the answer since then.

    The answer for a neighbour counts only where the network is so small that
    nobody registers a part of it: else the neighbour's /24 would hide a /26.
    """
    asked = Lookup.objects.filter(asked_at__gte=since).select_related("network")
    exact = asked.filter(prefix=str(prefix)).first()
    if exact is not None and Flag.RANGE_UNKNOWN not in exact.network.flags:
        return exact.network
    around = Network.objects.covering(prefix).filter(lookups__asked_at__gte=since).distinct()
    return next((one for one in around[:10] if _is_undivided(one, prefix)), None)


def _is_undivided(network: Network, prefix: Prefix) -> bool:
    bits = prefix.max_prefixlen - UNDIVIDED[prefix.version]
    width = int(network.last, 16) - int(network.first, 16) + 1
    return width <= 1 << bits and Flag.RANGE_UNKNOWN not in network.flags


def lookup(prefix: Prefix, since: datetime, asker: Asker | None = None) -> Network | None:
    """The network that holds ``prefix``, from our files or from the registry.

    None where the registry knows none, or only a block that is nobody's.
    Raises ``TryAgainLater`` when there is no answer now.
    """
    if known := cached(prefix, since):
        return known
    found = (asker or Asker()).network(prefix)
    return records.keep(found, prefix, asked=True) if found else None


def held_since(network: Network) -> datetime | None:
    """Since when its holder has the space: a block made anew by the holder of the one around it
    is nobody else's.  None where the registry does not say."""
    dates = [network.registered_at]
    same = Q(org_handle=network.org_handle) & ~Q(org_handle="")
    same |= Q(organisation=network.organisation) & ~Q(organisation="")
    around = Network.objects.filter(same, first__lte=network.first, last__gte=network.last)
    dates += around.values_list("registered_at", flat=True)[:20]
    known = [date for date in dates if date is not None]
    return min(known) if network.registered_at is not None else None


def parent_of(network: Network, prefix: Prefix, since: datetime, asker: Asker) -> Network | None:
    """The network around ``network``, which has just been read; None at the top.

    Raises ``TryAgainLater``.
    """
    if network.parent is not None and network.parent.read_at >= since:
        return network.parent
    found = records.found_again(network)
    if found is None or Flag.RANGE_UNKNOWN in found.facts.flags:
        return None
    wider = asker.parent(found)
    if wider is None:
        return None
    parent = records.keep(wider, prefix, asked=False)
    if network.parent_id != parent.pk:
        network.parent = parent
        network.save(update_fields=["parent"])
    return parent


def upwards(network: Network, prefix: Prefix, since: datetime, asker: Asker) -> Iterator[Network]:
    """``network`` and the networks around it, each read when it is asked for."""
    current: Network | None = network
    for _ in range(MOST_PARENTS + 1):
        if current is None:
            return
        yield current
        current = parent_of(current, prefix, since, asker)


def wants_parent(network: Network) -> bool:
    """Whether the network is so small, or handed on, that its parent is asked as well."""
    found = records.found_again(network)
    return found is not None and walk.wants_parent(found.facts)


def still_listed(prefix: Prefix, contact: Contact, since: datetime, asker: Asker) -> Network | None:
    """The network around ``prefix`` that lists ``contact`` by an answer of a later time, or None.

    Goes up from the most specific network only as far as needed.  Raises
    ``TryAgainLater``.
    """
    network = lookup(prefix, since, asker)
    if network is None:
        return None
    for one in upwards(network, prefix, since, asker):
        if one.contacts.filter(contact=contact, listed=True).exists():
            return one
    return None
