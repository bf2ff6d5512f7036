"""What the tallies say: who was refused since when, and whom a tenant hears from."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import DateTimeField, Exists, ExpressionWrapper, Max, Min, OuterRef, Q, Sum
from django.utils import timezone

from escalation import prefixes
from escalation.actors import Actor
from escalation.prefixes import Address, Prefix
from traffic.models import Tally

# A removal is not at once everywhere: our TTL of a minute, and clocks that differ.
GRACE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Correspondent:
    """A client address that was refused mail to a tenant, over all of the days asked for."""

    address: Address
    refused: int
    first_at: datetime
    last_at: datetime
    sender: str
    recipient: str

    @property
    def prefix(self) -> str:
        return f"{self.address}/{self.address.max_prefixlen}"


@dataclass(frozen=True, slots=True)
class SinceThen:
    """Refusals of addresses of a prefix after a moment: how many, and the last of them."""

    refused: int
    address: Address
    last_at: datetime


def refused_since(prefix: Prefix, moment: datetime) -> SinceThen | None:
    """Refusals of ``prefix`` later than ``GRACE`` after ``moment``; None if there are none.

    A tally counts a whole day, so ``refused`` may hold some of before.
    """
    rows = Tally.objects.refused().within(prefix).filter(last_refused_at__gt=moment + GRACE)
    latest = rows.order_by("-last_refused_at").first()
    if latest is None or latest.last_refused_at is None:
        return None
    n = rows.aggregate(n=Sum("refused"))["n"]
    return SinceThen(n, prefixes.from_key(latest.address), latest.last_refused_at)


def offends_since(first: str, last: str, since: str) -> Exists:
    """For a query over rows with these columns: whether their range was refused since then."""
    from_then = ExpressionWrapper(OuterRef(since) + GRACE, output_field=DateTimeField())
    return Exists(
        Tally.objects.refused().filter(
            address__gte=OuterRef(first),
            address__lte=OuterRef(last),
            last_refused_at__gt=from_then,
        )
    )


def correspondents(
    actor: Actor, *, days: int, after: tuple[datetime, str] | None = None, text: str = "", n: int
) -> list[Correspondent]:
    """The ``n`` addresses last refused mail to the actor's tenant.

    ``after`` is the moment and the key of the last address that was seen: of many
    that were refused within one second, none is passed over.  ``text`` narrows to
    an address, a prefix, or senders of a domain.
    """
    since = (timezone.now() - timedelta(days=days)).date()
    rows = _matching(Tally.objects.visible_to(actor).refused().since(since), text)
    sums = rows.values("address").annotate(
        n=Sum("refused"), first_at=Min("first_refused_at"), last_at=Max("last_refused_at")
    )
    if after is not None:
        at, key = after
        sums = sums.filter(Q(last_at__lt=at) | Q(last_at=at, address__gt=key))
    found = list(sums.order_by("-last_at", "address")[:n])
    latest = {
        row.address: row
        for row in rows.filter(address__in=[its["address"] for its in found]).order_by(
            "last_refused_at"
        )
    }
    return [_correspondent(its, latest[its["address"]]) for its in found]


def _correspondent(its: dict[str, Any], latest: Tally) -> Correspondent:
    return Correspondent(
        address=prefixes.from_key(its["address"]),
        refused=its["n"],
        first_at=its["first_at"],
        last_at=its["last_at"],
        sender=latest.sender,
        recipient=latest.recipient,
    )


def _matching(rows: Any, text: str) -> Any:
    text = text.replace("\0", "").strip().lower()
    if not text:
        return rows
    try:
        return rows.within(prefixes.parse_prefix(text))
    except prefixes.NotAnAddress:
        if "@" in text.lstrip("@"):
            return rows.filter(sender=text)
        return rows.filter(sender__endswith=f"@{text.lstrip('@')}")
