"""Refusals that the mail servers have logged, counted on the listings that they come from."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_network

from django.db import transaction
from django.utils import timezone

from escalation import prefixes
from escalation.prefixes import Address
from listings import actions, queries
from listings.lifecycle import State
from listings.models import Listing
from traffic import counting
from traffic.events import Event
from traffic.logs import Reader
from traffic.logs.position import Position

BATCH = 20_000  # lines between two commits
KNOWN = 20_000  # addresses whose listing is kept in mind
FRESH = 60.0  # seconds that it is


@dataclass(slots=True)
class Count:
    """What an ingest came to: lines and events; ``unlisted`` refusals have no listing of ours."""

    lines: int = 0
    refused: int = 0
    accepted: int = 0
    unlisted: int = 0


@dataclass(slots=True)
class Ingest:
    """Counts the new lines of a log, batch by batch."""

    position: Position
    reader: Reader
    count: Count = field(default_factory=Count)
    _known: dict[Address, int | None] = field(default_factory=dict)
    _known_since: datetime = field(default_factory=timezone.now)

    def run(self) -> int:
        """Read what is new up to the end, in batches of ``BATCH`` lines; return how many lines."""
        before = self.count.lines
        while self._batch():
            pass
        return self.count.lines - before

    def _batch(self) -> bool:
        """Count one batch and where it ended, together or not at all; False at the end of the log.

        Raises ``ReadElsewhere``.
        """
        events: list[Event] = []
        n = 0
        for line in self.position.lines():
            n += 1
            if (event := self.reader(line)) is not None:
                events.append(event)
            if n == BATCH:
                break
        if not n:
            return False
        refused = [event for event in events if event.is_refused]
        with transaction.atomic():
            self.position.save()
            counting.add(events)
            unlisted = self._add_hits(refused)
        self.position.saved()
        self.count.lines += n
        self.count.refused += len(refused)
        self.count.accepted += len(events) - len(refused)
        self.count.unlisted += unlisted
        return n == BATCH

    def _add_hits(self, refused: list[Event]) -> int:
        """Count refusals on their listings; return how many have none."""
        sums: dict[int, tuple[int, datetime]] = {}
        unlisted = 0
        listings = self._listings(refused)
        for event in refused:
            pk = listings.get((event.listing, event.address))
            if pk is None:
                unlisted += 1
                continue
            n, last = sums.get(pk, (0, event.at))
            sums[pk] = (n + 1, max(last, event.at))
        for pk, (n, last) in sorted(sums.items()):
            actions.record_hit(pk, last, n)
        return unlisted

    def _listings(self, refused: Iterable[Event]) -> dict[tuple[int, Address], int | None]:
        """The listing of each number and address: as the reply named it, else as the list says."""
        if (timezone.now() - self._known_since).total_seconds() > FRESH or len(self._known) > KNOWN:
            self._known, self._known_since = {}, timezone.now()
        named = _named({event.listing for event in refused if event.listing})
        found: dict[tuple[int, Address], int | None] = {}
        for key in {(event.listing, event.address) for event in refused}:
            number, address = key
            prefix = named.get(number)
            if prefix is not None and prefixes.contains(prefix, ip_network(address)):
                found[key] = number
            else:
                if address not in self._known:
                    self._known[address] = listing_of(address)
                found[key] = self._known[address]
        return found


def _named(numbers: set[int]) -> dict[int, prefixes.Prefix]:
    """The prefixes of the listings with these numbers; a reply can name any."""
    found = Listing.objects.filter(pk__in=numbers).values_list("pk", "prefix")
    return {pk: prefixes.parse_prefix(text) for pk, text in found}


def listing_of(address: Address) -> int | None:
    """The listing that refuses ``address``; else the latest that did; None if none ever has."""
    now = queries.listed(address)
    if now is not None:
        return now.pk
    past = Listing.objects.exclude(state=State.PENDING).covering(ip_network(address))
    return past.order_by("-pk").values_list("pk", flat=True).first()
