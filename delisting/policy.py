"""Who may lift a listing, and why: the policy table applied to what lists an address now.

Every listing over an address counts, and the hardest one decides: nobody gets round a range by
lifting the single address in it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from delisting.models import LAST, Rule, Way
from delisting.table import DEFAULTS, default_rule
from escalation import prefixes
from escalation.prefixes import Prefix
from listings.lifecycle import Event, State
from listings.models import Listing, ListingEntry, ListingException, ReasonClass

NEVER = datetime.min.replace(tzinfo=UTC)
MOST_SEEN = 50  # earlier times that anybody looks at
SINGLE = {4: 32, 6: 64}  # as much as one server has: a wider listing is a range
HARDNESS = {way: number for number, way in enumerate(Way)}
ENTERED = (Event.ACTIVATE, Event.RELIST)
BY_RANGE = frozenset({ReasonClass.MANUAL, ReasonClass.TENANT})  # a range of these stays what it is


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policy says of an address that is listed: a row for the nth time holds where so many
    were in its own days.

    ``listing`` is the one that decides, ``all`` what is over the address and would come off with
    it, ``lifted`` the widest of them; ``nth`` which time it is
    by the days that count, ``before`` when it was listed earlier in these days.
    ``is_for_history`` tells that the sender could lift it, had it not been listed before.
    """

    listing: Listing
    all: tuple[Listing, ...]
    lifted: Prefix
    rule: Rule
    nth: int
    before: tuple[datetime, ...]
    is_for_history: bool

    @property
    def may_ask(self) -> bool:
        """Whether the portal takes a request: it may lift, or the registry may clear history."""
        return self.rule.is_by_sender or self.is_for_history


def single(prefix: Prefix) -> bool:
    return prefix.prefixlen >= SINGLE[prefix.version]


def class_of(listing: Listing) -> str:
    """The row of the table that a listing falls under."""
    if listing.reason_class in BY_RANGE or single(listing.network):
        return str(listing.reason_class)
    return ReasonClass.RANGE.value


def enforcing(prefix: Prefix) -> list[Listing]:
    """The listings that refuse all of ``prefix``, the most specific first: two queries.

    What is wider than an exception over the prefix does not count: see ``listings.queries``.
    """
    hole = ListingException.objects.live().covering(prefix).first()
    over = Listing.objects.enforced().covering(prefix)
    return list(over.filter(length__gte=hole.length) if hole else over)


def verdict(prefix: Prefix, holder_since: datetime | None = None) -> Verdict | None:
    """What the policy says of an address (or a /64), None if it is not listed.

    ``holder_since`` is when the registry says that the space came to its present holder: what
    was listed before does not count against them.
    """
    found = enforcing(prefix)
    if not found:
        return None
    table = rules()
    before = earlier(prefix, found)
    judged = [_judge(row, table, before, holder_since) for row in found]
    hardest = max(judged, key=lambda one: HARDNESS[Way(one.rule.way)])
    widest = min((row.network for row in found), key=lambda network: network.prefixlen)
    lifted = widest if single(widest) else prefix
    return replace(hardest, all=tuple(found), lifted=lifted)


def rules() -> dict[tuple[str, int], Rule]:
    """The table as it stands: what the desk has set, and our defaults where it has set nothing."""
    set_here = {(rule.reason_class, rule.nth): rule for rule in Rule.objects.live()}
    return {key: set_here.get(key) or default_rule(*key) for key in DEFAULTS}


def _judge(
    listing: Listing,
    table: dict[tuple[str, int], Rule],
    before: Iterable[datetime],
    holder_since: datetime | None,
) -> Verdict:
    kind, now = class_of(listing), timezone.now()
    is_anothers = holder_since is not None and listing.state_since < holder_since
    for nth in (LAST, 2, 1):
        rule = table[kind, nth]
        since = max(now - timedelta(days=rule.window_days), holder_since or NEVER)
        counted = tuple(when for when in before if when >= since)
        if nth == 1 or (len(counted) >= nth - 1 and not is_anothers):
            break
    for_history = not rule.is_by_sender and table[kind, 1].is_by_sender
    return Verdict(listing, (), listing.network, rule, nth, counted if nth > 1 else (), for_history)


def earlier(prefix: Prefix, now: Iterable[Listing]) -> list[datetime]:
    """When one server's space was listed before the present time, the latest first.

    Under IPv6 that is all of its /64: a server that changes its address there takes its history
    with it.
    """
    server = prefix.supernet(new_prefix=SINGLE[prefix.version])
    entered = ListingEntry.objects.filter(event__in=ENTERED)
    if prefixes.is_single(server):
        entered = entered.filter(subject__prefix=str(server))
    else:
        first, last = prefixes.keys(server)
        entered = entered.filter(
            subject__state__in=State.values, subject__family=prefix.version,
            subject__first__gte=first, subject__first__lte=last,
            subject__length__gte=server.prefixlen,
        )  # fmt: skip
    found = list(entered.order_by("-pk").values_list("subject_id", "happened_at")[:MOST_SEEN])
    present = {row.pk for row in now}
    times = []
    for pk, when in found:
        if pk in present:
            present.discard(pk)  # that is how it came to be listed now
        else:
            times.append(when)
    return times
