"""Everything that changes the list.  Each change gets the serial that first has it."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalation import prefixes
from escalation.actors import DESK, Actor
from escalation.errors import KeyReused, Refused
from escalation.lifecycle import advance, advance_all
from escalation.prefixes import Prefix
from listings import protected, publishing, queries
from listings.lifecycle import Event, State
from listings.models import Listing, ListingEntry, ListingException, ReasonClass, Removal

ENTERED = [State.PENDING, State.ACTIVE]  # live, and not on the way out
BATCH = 1000  # listings that a sweep moves in one transaction


class NotListable(Refused):
    """A prefix that no list of ours may name."""

    code = "not-listable"
    status = 422
    title = gettext_lazy("This prefix cannot be listed")


def why_not_listable(prefix: Prefix, protects: Callable[[Prefix], str] = protected.why) -> str:
    """Why ``prefix`` may not be listed (too wide, or protected), "" if it may.

    For very many prefixes ``protects`` is ``protected.checker()``.
    """
    if prefixes.too_wide(prefix):
        return _(
            "%(prefix)s is wider than /%(widest)d: list the parts that send unwanted mail."
        ) % {
            "prefix": prefix,
            "widest": prefixes.WIDEST[prefix.version],
        }
    return protects(prefix)


def add(
    prefix: Prefix,
    *,
    actor: Actor,
    reason_class: str,
    source: str = "",
    evidence: str = "",
    expires_at: datetime | None = None,
    activate: bool = True,
) -> Listing:
    """List ``prefix``, at once or (``activate=False``) for a person to look at first.

    A prefix that is listed already keeps its listing, with the new facts and
    the later expiry.  An exception for a part of it stays.  Raises
    ``NotListable`` with words.
    """
    if reason := why_not_listable(prefix):
        raise NotListable(reason, field="prefix")
    facts = {"reason_class": ReasonClass(reason_class), "source": source, "evidence": evidence}
    with transaction.atomic():
        listing, is_new = _live_or_new(prefix, {**facts, "expires_at": expires_at})
        if not is_new:
            later = _later(listing.expires_at, expires_at)
            Listing.objects.filter(pk=listing.pk).update(**facts, expires_at=later)
        if listing.state == State.PENDING_REMOVAL:
            _relist(listing, actor, evidence)
        elif listing.state == State.PENDING and activate:
            advance(listing, Event.ACTIVATE, actor)
            publishing.ask([prefix])
        listing.refresh_from_db()
    return listing


def activate(listing: Listing, *, actor: Actor) -> None:
    """Let a pending listing count.

    Raises ``NotAllowed`` if it is not pending, and ``NotListable`` for what has
    been protected since it was made.
    """
    if reason := why_not_listable(listing.network):
        raise NotListable(reason)
    with transaction.atomic():
        advance(listing, Event.ACTIVATE, actor)
        publishing.ask([listing.network])


def cancel(listing: Listing, *, actor: Actor) -> None:
    """Drop a pending listing, which never counted.  Raises ``NotAllowed`` if it is not pending."""
    advance(listing, Event.CANCEL, actor)


def _live_or_new(prefix: Prefix, facts: dict[str, Any]) -> tuple[Listing, bool]:
    live = Listing.objects.live().filter(prefix=str(prefix))
    if (listing := live.select_for_update().first()) is not None:
        return listing, False
    try:
        with transaction.atomic():
            return Listing.objects.create(**columns(prefix), **facts), True
    except IntegrityError:  # somebody else has listed it in the meantime
        return live.select_for_update().get(), False


def columns(prefix: Prefix) -> dict[str, Any]:
    """The columns in which a row keeps its prefix."""
    first, last = prefixes.keys(prefix)
    return {
        "prefix": str(prefix),
        "family": prefix.version,
        "first": first,
        "after": f"{int(last, 16) + 1:032x}",
        "length": prefix.prefixlen,
    }


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    """The later of two expiries; None is never."""
    return max(one, other) if one and other else None


def relist(listing: Listing, *, actor: Actor, note: str = "", key: str = "") -> Listing:
    """List a removed prefix again, with all its history.  What was taken out of it stays listed.

    Raises ``NotListable`` where another listing of the same prefix lives by now.
    """
    if reason := why_not_listable(listing.network):
        raise NotListable(reason)
    with transaction.atomic():
        others = Listing.objects.live().filter(prefix=listing.prefix).exclude(pk=listing.pk)
        if others.select_for_update().exists():
            raise NotListable(
                _("%(prefix)s is listed again already, by a newer listing.") % {"prefix": listing}
            )
        _relist(listing, actor, note, key)
    return listing


def _relist(listing: Listing, actor: Actor, note: str = "", key: str = "") -> None:
    def shown_again(row: Listing, entry: ListingEntry) -> None:
        row.gone_serial = None
        row.save(update_fields=["gone_serial"])

    advance(listing, Event.RELIST, actor, note=note, key=key, effect=shown_again)
    publishing.ask([listing.network])


def take_out(prefix: Prefix, *, actor: Actor, reason: str, key: str) -> int:
    """Let mail from all of ``prefix`` in; return the serial that first has it so.

    Listings of the prefix or inside it are removed, wider ones get an
    exception.  Call it in the transaction of the decision: it locks the
    listings, then the waiting publication.  What is not listed is no error:
    the serial then proves just that.  A second call with ``key`` changes
    nothing and returns the first call's serial.
    """
    publishing.require_transaction()
    if (done := _done(key, prefix)) is not None:
        return done
    live = Listing.objects.filter(state__in=ENTERED).touching(prefix).order_by("pk")
    found = live.select_for_update().values_list("pk", "length")
    inside = [pk for pk, length in found if length >= prefix.prefixlen]
    serial = publishing.ask([prefix])
    for some in _batches(inside):
        rows = Listing.objects.filter(pk__in=some)
        advance_all(rows, Event.CANCEL, actor, note=reason)
        advance_all(rows, Event.REMOVE, actor, note=reason, gone_serial=serial)
        ListingException.objects.live().filter(listing__in=some).update(ended_at=timezone.now())
    make_exceptions(prefix, wider_without(prefix), reason, serial)
    _note(key, prefix, serial, actor, reason)
    return serial


def lift(listings: Iterable[int], prefix: Prefix, *, actor: Actor, reason: str, key: str) -> int:
    """End exactly these enforced listings, and return the serial that first lacks them.

    What lies inside them, around them, or waits for an agent, stays.  ``prefix`` is what the
    removal is noted for.  Call it in a transaction; a second call with ``key`` changes nothing.
    """
    publishing.require_transaction()
    if (done := _done(key, prefix)) is not None:
        return done
    serial = publishing.ask([prefix])
    let_go(Listing.objects.enforced().filter(pk__in=list(listings)), Event.REMOVE, actor, reason)
    _note(key, prefix, serial, actor, reason)
    return serial


def _done(key: str, prefix: Prefix) -> int | None:
    """The serial of an earlier call with ``key``, None if there was none."""
    done = Removal.objects.filter(key=key).first()
    if done is not None and done.prefix != str(prefix):
        raise KeyReused(_("This key has been used for another prefix."))
    return done.serial if done is not None else None


def _note(key: str, prefix: Prefix, serial: int, actor: Actor, reason: str) -> None:
    Removal.objects.create(
        key=key, prefix=str(prefix), serial=serial, role=actor.role, user=actor.user,
        reason=reason[:200],
    )  # fmt: skip


def wider_without(prefix: Prefix) -> list[Listing]:
    """The live listings wider than ``prefix`` that do not have it taken out already."""
    wider = Listing.objects.filter(state__in=ENTERED).covering(prefix)
    has_it = ListingException.objects.live().covering(prefix).values("listing")
    return list(wider.filter(length__lt=prefix.prefixlen).exclude(pk__in=has_it))


def make_exceptions(prefix: Prefix, over: Iterable[Listing], reason: str, serial: int) -> None:
    """Take ``prefix`` out of each of these listings."""
    ListingException.objects.bulk_create(
        ListingException(listing=row, **columns(prefix), reason=reason[:200], serial=serial)
        for row in over
    )


def _batches(keys: list[int]) -> Iterable[list[int]]:
    return (keys[i : i + BATCH] for i in range(0, len(keys), BATCH))


def expire(limit: int = BATCH) -> int:
    """Remove up to ``limit`` listings whose time is over; return how many."""
    due = Listing.objects.enforced().filter(expires_at__lte=timezone.now())
    with transaction.atomic():
        some = list(due.order_by("expires_at").values_list("pk", flat=True)[:limit])
        return let_go(due.filter(pk__in=some), Event.EXPIRE, DESK) if some else 0


def let_go(leaving: "QuerySet[Listing]", event: Event, actor: Actor, note: str = "") -> int:
    """Remove listings as such; what wider listings say of their prefixes counts again.

    Their exceptions move to the wider listings, so that nothing which was
    let in is refused because a listing has ended.  Call it in a transaction.
    """
    publishing.require_transaction()
    found = dict(leaving.order_by("pk").select_for_update().values_list("pk", "prefix"))
    if not found:
        return 0
    keys, n = list(found), 0
    serial = publishing.ask(map(prefixes.parse_prefix, found.values()))
    for some in _batches(keys):
        n += advance_all(
            Listing.objects.filter(pk__in=some), event, actor, note=note, gone_serial=serial
        )
        for hole in ListingException.objects.live().filter(listing__in=some):
            _hand_on(hole, serial)
    return n


def _hand_on(hole: ListingException, serial: int) -> None:
    ListingException.objects.filter(pk=hole.pk).update(ended_at=timezone.now())
    make_exceptions(hole.network, wider_without(hole.network), hole.reason, serial)


def confirm_gone(limit: int = BATCH) -> int:
    """End the listings that every enabled sink has proved to serve no more."""
    serial = queries.proved_serial()
    if serial is None:
        return 0
    leaving = Listing.objects.filter(state=State.PENDING_REMOVAL, gone_serial__lte=serial)
    some = list(leaving.order_by("gone_serial").values_list("pk", flat=True)[:limit])
    if not some:
        return 0
    return advance_all(leaving.filter(pk__in=some), Event.CONFIRM_GONE, DESK)


def record_hit(listing: int, at: datetime, n: int = 1) -> None:
    """Count ``n`` refused connections, the last one at ``at``; any order of calls will do."""
    newer = Q(last_hit_at=None) | Q(last_hit_at__lt=at)
    Listing.objects.filter(pk=listing).update(
        hits=F("hits") + n,
        last_hit_at=Case(When(newer, then=Value(at)), default=F("last_hit_at")),
    )
