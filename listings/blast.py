"""What a listing would hit: how many addresses, and whose mail of the last days (traffic)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.conf import settings
from django.db.models import Count, Sum
from django.utils import timezone

from customers.models import Domain
from escalation import prefixes
from escalation.prefixes import Prefix
from traffic.models import Tally

SHOWN = 20  # tenants that are named
DOMAINS = 500  # recipients' domains that are looked at, those with most mail first
ADDRESSES = 200_000  # client addresses that an import is held against


@dataclass(slots=True)
class Hit:
    """Mail that a tenant has had, and would have missed."""

    tenant: str
    messages: int = 0
    addresses: int = 0


@dataclass(frozen=True, slots=True)
class Radius:
    """``hits`` are tenants, the most mail first; ``others`` is mail to domains of no tenant."""

    days: int
    n_addresses: int
    hits: list[Hit] = field(default_factory=list)
    others: int = 0
    n_more: int = 0

    @property
    def messages(self) -> int:
        return sum(hit.messages for hit in self.hits) + self.others

    @property
    def most(self) -> int:
        return max((hit.messages for hit in self.hits), default=0)


def of(prefix: Prefix) -> Radius:
    """What a listing of ``prefix`` would have refused in the last days; two queries."""
    rows = Tally.objects.within(prefix).since(_since()).filter(accepted__gt=0)
    sums = rows.values("recipient_domain").annotate(
        messages=Sum("accepted"), addresses=Count("address", distinct=True)
    )
    found = {
        row["recipient_domain"]: (row["messages"], row["addresses"])
        for row in sums.order_by("-messages")[:DOMAINS]
    }
    return _radius(prefix.num_addresses, found)


def of_all(listed: Iterable[Prefix]) -> Radius:
    """The same for all that a file would list: mail from any of them, counted once."""
    by_length: dict[tuple[int, int], set[int]] = defaultdict(set)
    n_addresses = 0
    for prefix in listed:
        by_length[prefix.version, prefix.prefixlen].add(int(prefix.network_address))
        n_addresses += prefix.num_addresses
    found: dict[str, tuple[int, int]] = {}
    rows = Tally.objects.since(_since()).filter(accepted__gt=0)
    sums = rows.values_list("address", "recipient_domain").annotate(Sum("accepted"))
    for key, domain, messages in sums.order_by()[:ADDRESSES].iterator():
        if _covered(key, by_length):
            before = found.get(domain, (0, 0))
            found[domain] = (before[0] + messages, before[1] + 1)
    return _radius(n_addresses, found)


def _covered(key: str, by_length: Mapping[tuple[int, int], set[int]]) -> bool:
    address = prefixes.from_key(key)
    number, bits = int(address), address.max_prefixlen
    return any(
        number >> bits - length << bits - length in starts
        for (version, length), starts in by_length.items()
        if version == address.version
    )


def _since() -> date:
    return (timezone.now() - timedelta(days=settings.POSTERN_BLAST_DAYS)).date()


def _radius(n_addresses: int, found: Mapping[str, tuple[int, int]]) -> Radius:
    owners = dict(Domain.objects.filter(name__in=list(found)).values_list("name", "tenant__name"))
    hits: dict[str, Hit] = {}
    others = 0
    for domain, (messages, addresses) in found.items():
        if (tenant := owners.get(domain)) is None:
            others += messages
            continue
        hit = hits.setdefault(tenant, Hit(tenant))
        hit.messages += messages
        hit.addresses = max(hit.addresses, addresses)
    ordered = sorted(hits.values(), key=lambda hit: (-hit.messages, hit.tenant))
    return Radius(
        settings.POSTERN_BLAST_DAYS, n_addresses, ordered[:SHOWN], others, len(ordered[SHOWN:])
    )
