"""What the list says of an address or a prefix, now and before.

Of all enforced listings and live exceptions that cover an address the most
specific one decides: an exception takes it out of wider listings, a listing
inside an exception lists it again, and of two equal ones the listing wins.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from ipaddress import ip_network
from itertools import chain
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.utils import timezone
from django.utils.translation import gettext as _

from escalation import prefixes
from escalation.prefixes import Address, Prefix
from listings import protected, ranges
from listings.lifecycle import State
from listings.models import (
    ENFORCED,
    Listing,
    ListingException,
    Publication,
    Receipt,
    Removal,
    Sink,
    over_prefix,
)

EARLIER = 50  # past listings that anybody reads
MARKS = ["first", "length", "lists"]


def listed(address: Address) -> Listing | None:
    """The listing that refuses ``address``, None if none does."""
    return _deciding(ip_network(address))


def _deciding(prefix: Prefix) -> Listing | None:
    """The most specific enforced listing over ``prefix``, unless an exception is nearer.

    Index probes for each prefix length, in statements that are built once: this
    is asked for every refused connection, and for most addresses one will do.
    """
    over = over_prefix(prefix)
    if not over:
        return None
    values = [" ".join(over)] if connection.vendor == "postgresql" else over
    with connection.cursor() as cursor:
        cursor.execute(_nearest_listing(len(over)), [*ENFORCED, *values])
        if (found := cursor.fetchone()) is None:
            return None
        cursor.execute(_nearest_exception(len(over)), values)
        (nearer,) = cursor.fetchone()
    return Listing.objects.get(pk=found[0]) if (nearer or 0) <= found[1] else None


@cache
def _nearest_listing(n: int) -> str:
    states = ", ".join(["%s"] * len(ENFORCED))
    return (
        f"SELECT id, length FROM {Listing._meta.db_table} WHERE state IN ({states}) "  # noqa: S608
        f"AND prefix {_is_one_of(n)} ORDER BY length DESC LIMIT 1"
    )


@cache
def _nearest_exception(n: int) -> str:
    return (
        f"SELECT MAX(length) FROM {ListingException._meta.db_table} "  # noqa: S608
        f"WHERE ended_at IS NULL AND prefix {_is_one_of(n)}"
    )


def _is_one_of(n: int) -> str:
    """PostgreSQL takes the texts as one: many values cost the driver more than the search."""
    if connection.vendor == "postgresql":
        return "= ANY(string_to_array(%s, ' '))"
    return f"IN ({', '.join(['%s'] * n)})"


def listed_among(addresses: Sequence[Address]) -> set[Address]:
    """Those of ``addresses`` that are refused: two queries, however many they are."""
    over = {address: over_prefix(ip_network(address)) for address in addresses}
    texts = {text for its in over.values() for text in its}
    lists = set(
        Listing.objects.enforced().filter(prefix__in=texts).values_list("prefix", flat=True)
    )
    holes = set(
        ListingException.objects.live().filter(prefix__in=texts).values_list("prefix", flat=True)
    )
    # The most specific of both decides, and of two equal ones the listing.
    deciding = {
        address: next((text for text in its if text in lists or text in holes), "")
        for address, its in over.items()
    }
    return {address for address, text in deciding.items() if text in lists}


def covering_listing(prefix: Prefix) -> Listing | None:
    """The listing that a case about ``prefix`` hangs on, None if nothing of it is enforced.

    It is the most specific one over all of ``prefix`` that no exception takes
    it out of, else the first enforced one inside.
    """
    if not touches(prefix):
        return None
    return _deciding(prefix) or Listing.objects.enforced().inside(prefix).first()


def touches(prefix: Prefix) -> bool:
    """Whether any address of ``prefix`` is refused."""
    return any(True for _range in _enforced_within(prefix))


def _enforced_within(prefix: Prefix) -> Iterator[ranges.Range]:
    """What of ``prefix`` is enforced, as ranges of numbers."""
    mask = ranges.MASK[prefix.version]
    first, last = (int(key, 16) & mask for key in prefixes.keys(prefix))
    whole = (first, last, _deciding(prefix) is not None)
    if first == last:
        return ranges.enforced([whole])
    return ranges.enforced(chain([whole], _marks(prefix.version, prefix)))


def enforced_ranges(family: int) -> Iterator[ranges.Range]:
    """All that is refused, in order, neighbours merged; streamed from one statement."""
    return ranges.enforced(_marks(family))


def _marks(family: int, within: Prefix | None = None) -> Iterator[ranges.Mark]:
    """Enforced listings and live exceptions of a family, sorted, from one snapshot.

    ``within`` asks for those strictly inside a prefix.
    """
    place = Q(family=family)
    if within is not None:
        first, last = prefixes.keys(within)
        place &= Q(first__gte=first, first__lte=last, length__gt=within.prefixlen)
    lists = Listing.objects.enforced().filter(place).annotate(lists=Value(1))
    takes_out = ListingException.objects.live().filter(place).annotate(lists=Value(0))
    both = lists.values_list(*MARKS).union(takes_out.values_list(*MARKS), all=True)
    bits, mask = ranges.BITS[family], ranges.MASK[family]
    for key, length, kind in both.order_by(*MARKS).iterator(chunk_size=5000):
        number = int(key, 16) & mask
        yield number, number | (1 << bits - length) - 1, kind == 1


def exception_over(prefix: Prefix) -> ListingException | None:
    """The live exception nearest to ``prefix``."""
    return ListingException.objects.live().covering(prefix).select_related("listing").first()


def earlier(prefix: Prefix) -> list[Listing]:
    """Past listings over ``prefix`` or inside it, the latest first."""
    past = Listing.objects.exclude(state__in=[State.PENDING, State.ACTIVE])
    return list(past.touching(prefix).order_by("-pk")[:EARLIER])


def why_protected(prefix: Prefix) -> str:
    """Why ``prefix`` may never be listed (not public, our own, protected), "" if it may."""
    return protected.why(prefix)


def sinks_behind(serial: int) -> list[str]:
    """Names of the enabled sinks that have not proved to serve ``serial`` or a later one."""
    proved = Receipt.objects.filter(sink=OuterRef("pk"), publication__gte=serial)
    enabled = Sink.objects.filter(enabled=True)
    behind = list(enabled.exclude(Exists(proved)).order_by("name").values_list("name", flat=True))
    if not behind and not enabled.exists():
        return [_("no sink is enabled")]
    return behind


def sinks_waited_for(serial: int) -> list[str]:
    """The same in words for people of the desk: since when, and what each says."""
    names = sinks_behind(serial)
    sinks = {sink.name: sink for sink in Sink.objects.filter(enabled=True, name__in=names)}
    return [_told(name, sinks.get(name)) for name in names]


def _told(name: str, sink: Sink | None) -> str:
    if sink is None or sink.trouble_since is None:
        return name
    return _("%(sink)s (since %(since)s: %(trouble)s)") % {
        "sink": name,
        "since": f"{timezone.localtime(sink.trouble_since):%Y-%m-%d %H:%M:%S %Z}",
        "trouble": sink.trouble,
    }


def with_proved(rows: "QuerySet[Any]") -> Any:
    """Sinks with ``proved``, the latest serial that each has proved: one index probe a sink."""
    latest = Receipt.objects.filter(sink=OuterRef("pk")).order_by("-publication_id")
    return rows.annotate(proved=Subquery(latest.values("publication_id")[:1]))


def proved_serial() -> int | None:
    """The latest serial that every enabled sink has proved; None if there is none."""
    enabled = with_proved(Sink.objects.filter(enabled=True))
    latest = [sink.proved for sink in enabled]
    return None if not latest or None in latest else min(latest)


def expected_verdicts(publication: Publication, n: int) -> list[tuple[Address, bool]]:
    """Addresses whose verdict has changed since the last proof, and whether each is refused now.

    Of a prefix with more than one address they are the first, the last, and one between.
    """
    changed = changed_prefixes(proved_serial() or 0, publication, n)
    found: dict[Address, bool] = {}
    for prefix in changed:
        middle = prefix.network_address + prefix.num_addresses // 2
        for address in (prefix.network_address, middle, prefix.broadcast_address):
            if address not in found:
                found[address] = listed(address) is not None
    return list(found.items())


def changed_prefixes(after: int, upto: Publication, n: int) -> list[Prefix]:
    """Up to ``n`` prefixes of each kind of change with serials after one, up to a publication.

    What has been listed since that one began belongs to a later serial.
    """
    span = {"serial__gt": after, "serial__lte": upto.serial}
    gone = Listing.objects.filter(
        state=State.PENDING_REMOVAL, gone_serial__gt=after, gone_serial__lte=upto.serial
    )
    listed = Listing.objects.enforced().filter(state_since__lt=upto.begun_at or upto.asked_at)
    found = [
        *gone.values_list("prefix", flat=True)[:n],
        *Removal.objects.filter(**span).values_list("prefix", flat=True)[:n],
        *ListingException.objects.filter(**span).values_list("prefix", flat=True)[:n],
        *listed.order_by("-pk").values_list("prefix", flat=True)[:n],
    ]
    return [prefixes.parse_prefix(text) for text in dict.fromkeys(found)]
