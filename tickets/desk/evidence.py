"""What is known of a case: listing, history, registry, proofs, DNS, receipts, bounces.

Everything that can grow is read up to a bound, so that the page costs the same
for a case with one ticket and for one with hundreds.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import BinaryField, OuterRef, Subquery
from django.db.models.functions import Substr
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from escalation import prefixes
from escalation.actors import Actor
from escalation.prefixes import Prefix
from listings.lifecycle import Event as ListingEvent
from listings.models import Listing, ListingException, Publication, ReasonClass, Receipt, Sink
from ownership import queries as owners
from ownership.models import Network, Proof
from tickets import guards
from tickets.actions import RISING
from tickets.lifecycle import Event, Party, State
from tickets.models import Attachment, Case, Entry, Message, Ticket
from traffic.queries import SinceThen

COUNTED = 100  # listings that are counted one by one
MOST_PROOFS = 10
MOST_ENTRIES = 30  # of a listing
BOUNCE_SHOWN = 6000  # bytes of a bounce that the page shows


def of(case: Case, actor: Actor) -> dict[str, Any]:
    """All that the case page shows as evidence."""
    facts = case.facts
    return {
        "listing": case.listing,
        "listing_entries": _listing_entries(case.listing),
        "reach": reach(case),
        "earlier_listings": [_earlier(past) for past in facts.get("earlier_listings", [])],
        "earlier_cases": [_earlier_case(past) for past in facts.get("earlier_cases", [])],
        "gathered_at": moment_of(facts.get("gathered_at")),
        "dns": dns(facts.get("dns", {})),
        "inquiry": case.inquiry,
        "network": network(case.inquiry.network) if case.inquiry else None,
        "ladder": owners.ladder(case.inquiry) if case.inquiry else [],
        "proofs": proofs(case.network),
        "level_needed": guards.level_needed(case),
        "level_proved": owners.effective_level(case.network),
        "receipts": receipts(case),
        "latest_serial": _latest_serial(),
        "refused_since": _refused_since(case),
        "risen": case.entries.filter(event__in=RISING).select_related("user").last(),
        "approvals": approvals(case, actor),
        "proposed": _proposed(case),
    }


# -- The list ------------------------------------------------------------------------


def _listing_entries(listing: Listing | None) -> list[dict[str, Any]]:
    if listing is None:
        return []
    latest = listing.entries.select_related("user").order_by("-pk")[:MOST_ENTRIES]
    return [{"entry": entry, "event": ListingEvent(entry.event).label} for entry in latest]


def reach(case: Case) -> dict[str, Any]:
    """What an approval touches: how many addresses, listings and exceptions."""
    prefix = case.network
    inside = Listing.objects.enforced().inside(prefix).order_by()[:COUNTED].count()
    wider = Listing.objects.enforced().covering(prefix).exclude(prefix=str(prefix))
    return {
        "n_addresses": prefix.num_addresses,
        "shown": _how_many(prefix),
        "inside": inside,
        "inside_shown": str(inside) if inside < COUNTED else f"{COUNTED - 1}+",
        "wider": list(wider),
        "exceptions": list(ListingException.objects.live().covering(prefix)[:5]),
        "two_agents": guards.needs_two_agents(case),
    }


def _how_many(prefix: Prefix) -> str:
    bits = prefix.max_prefixlen - prefix.prefixlen
    return f"{prefix.num_addresses:,}".replace(",", " ") if bits <= 16 else f"2^{bits}"


def _earlier(past: dict[str, Any]) -> dict[str, Any]:
    reason = past.get("reason", "")
    known = reason in ReasonClass.values
    return {
        "listed_at": moment_of(past.get("listed_at")),
        "reason": ReasonClass(reason).label if known else reason,
        "hits": past.get("hits"),
        "last_hit_at": moment_of(past.get("last_hit_at")),
    }


def _earlier_case(past: dict[str, Any]) -> dict[str, Any]:
    """An earlier case as it stood when the facts were gathered."""
    state = past["state"]
    return {
        "number": past["number"],
        "state": State(state).label if state in State.values else state,
        "opened_at": moment_of(past.get("opened_at")),
    }


def moment_of(text: str | None) -> datetime | None:
    """A moment as it is kept in the facts."""
    return parse_datetime(text) if text else None


def receipts(case: Case) -> list[dict[str, Any]]:
    """Every enabled sink with its latest receipt, against the serial that was asked for."""
    latest = Receipt.objects.filter(sink=OuterRef("pk")).order_by("-publication_id")
    sinks = Sink.objects.filter(enabled=True).order_by("name")
    found = sinks.annotate(
        serves=Subquery(latest.values("publication_id")[:1]),
        read_at=Subquery(latest.values("read_at")[:1]),
        proof=Subquery(latest.values("proof")[:1]),
    )
    asked = case.gone_serial
    return [
        {
            "sink": sink,
            "serves": sink.serves,
            "read_at": sink.read_at,
            "proof": sink.proof,
            "proved": asked is not None and sink.serves is not None and sink.serves >= asked,
            "trouble": sink.trouble,
            "trouble_since": sink.trouble_since,
        }
        for sink in found
    ]


def _refused_since(case: Case) -> SinceThen | None:
    """What mail servers have refused though every sink had let go, while the case is watched."""
    return guards.refused_since_delisting(case) if case.state == State.DELISTED else None


def _latest_serial() -> int | None:
    latest = Publication.objects.published().order_by("-serial").values_list("serial", flat=True)
    return latest.first()


# -- The owner -----------------------------------------------------------------------


def network(found: Network | None) -> dict[str, Any] | None:
    """The registry's answer, and by which redirects it came."""
    if found is None:
        return None
    return {"row": found, "blocks": _blocks(found), "chain": list(found.chain)}


def _blocks(found: Network) -> str:
    """The range as a prefix where it is one, else from first to last."""
    return shown_range(found.first, found.last)


def shown_range(first: str, last: str) -> str:
    """Two keys as the prefix that they span, or as a range that is no prefix."""
    low, high = prefixes.from_key(first), prefixes.from_key(last)
    size = int(high) - int(low) + 1
    length = low.max_prefixlen - (size.bit_length() - 1)
    if size & (size - 1) == 0 and int(low) % size == 0:
        return prefixes.shown(prefixes.parse_prefix(f"{low}/{length}"))
    return f"{low} – {high}"


def proofs(prefix: Prefix) -> list[dict[str, Any]]:
    """Proofs that cover the prefix, present ones and past, the highest level first."""
    current = {proof.pk for proof in owners.current_proofs(prefix)}
    found = Proof.objects.covering(prefix).select_related("network")[:MOST_PROOFS]
    return [
        {
            "row": proof,
            "scope": shown_range(proof.first, proof.last),
            "is_current": proof.pk in current,
        }
        for proof in found
    ]


def approvals(case: Case, actor: Actor) -> list[Entry]:
    """The first approvals since the review began, for a prefix that needs two agents."""
    if case.state != State.IN_REVIEW:
        return []
    return guards.steps_since_review(case, Event.ENDORSE)


def _proposed(case: Case) -> dict[str, Any] | None:
    """The contact that waits for another agent's word."""
    if case.state != State.OWNER_UNKNOWN:
        return None
    since = case.entries.filter(event=Event.PROPOSE_CONTACT, happened_at__gte=case.state_since)
    entry = since.select_related("user").last()
    if entry is None:
        return None
    email, _sep, source = entry.note.partition(" ")
    return {"entry": entry, "email": email, "source": source}


# -- The DNS and the bounce ----------------------------------------------------------


def dns(asked: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """DNS facts in the order of reading; ``look`` is found, none or failed."""
    labels = {
        "reverse": _("Reverse name"),
        "forward_confirmed": _("Leads back to the address"),
        "spf": "SPF",
        "dmarc": "DMARC",
    }
    return [
        {
            "label": label,
            "look": _look(asked[name]),
            "found": _of(asked[name]),
            "failed": asked[name].get("failed", ""),
        }
        for name, label in labels.items()
        if name in asked
    ]


def _look(fact: dict[str, Any]) -> str:
    if "failed" in fact:
        return "failed"
    return "found" if _of(fact) else "none"


def _of(fact: dict[str, Any]) -> list[str]:
    return list(fact.get("found", []))


def bounces(tickets: Sequence[Ticket]) -> dict[int, Attachment]:
    """The bounce that opened each ticket; ``start`` is how it begins, the rest stays unread."""
    first = (
        Message.objects.filter(conversation=OuterRef("message__conversation"))
        .order_by("pk")
        .values("pk")[:1]
    )
    found = Attachment.objects.filter(
        message__conversation__ticket__in=tickets,
        message__conversation__party=Party.CUSTOMER,
        message=Subquery(first),
    )
    rows = (
        found.defer("content")
        .select_related("message__conversation")
        .annotate(start=Substr("content", 1, BOUNCE_SHOWN, output_field=BinaryField()))
        .order_by("-pk")
    )
    return {row.message.conversation.ticket_id: row for row in rows}  # type: ignore[misc]


def as_text(start: bytes | memoryview) -> str:
    """Raw bytes as something to read; what is no text shows as replacement signs."""
    plain = bytes(start).decode("utf-8", "replace").replace("\r\n", "\n")
    return "".join(sign for sign in plain if sign.isprintable() or sign in "\n\t")
