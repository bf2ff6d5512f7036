"""Questions about owners, proofs and ladders; nothing here writes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Max
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from escalation.prefixes import Prefix
from ownership.facts import NEVER_WRITTEN_TO
from ownership.lifecycle import OPEN, State
from ownership.models import (
    Answer,
    Contact,
    Inquiry,
    Network,
    NetworkContact,
    Proof,
    Request,
    Rung,
)

CONFIRMING = frozenset({Answer.Kind.CONFIRM, Answer.Kind.OPERATE})


def effective_level(prefix: Prefix) -> int:
    """The highest level that is proved for all of ``prefix`` now; 0 if nothing is."""
    best = Proof.objects.current().covering(prefix).order_by().aggregate(best=Max("level"))
    return best["best"] or 0


def current_proofs(prefix: Prefix) -> list[Proof]:
    """The proofs that cover ``prefix`` now, the highest level first."""
    found = Proof.objects.current().covering(prefix)
    return list(found.select_related("network", "answer__request__contact"))


def domain_of(email: str) -> str:
    return email.rpartition("@")[2].casefold()


def is_within(email: str, domains: Iterable[str]) -> bool:
    """Whether the address lies in one of ``domains`` or below it."""
    host = domain_of(email)
    plain = (domain.casefold().strip(".") for domain in domains)
    return any(host == domain or host.endswith(f".{domain}") for domain in plain if domain)


def tenant_is_owner(prefix: Prefix, tenant_domains: Iterable[str]) -> bool:
    """Whether what is proved for ``prefix`` is the word of those who ask."""
    return any(
        is_within(proof.answer.request.contact.email, tenant_domains)
        for proof in current_proofs(prefix)
        if proof.answer is not None
    )


def why_not_written_to(place: NetworkContact, own_domains: Iterable[str]) -> str | Promise:
    """Why the contact is not asked, in words for agents; "" if it may be.

    Call with ``place.contact`` loaded.
    """
    now, contact = timezone.now(), place.contact
    if not place.listed:
        return _("no longer in the registry")
    if not NEVER_WRITTEN_TO.isdisjoint(place.flags):
        return _("the registry's own mailbox, or nobody's")
    if contact.stopped_at:
        return _("asked us to stop")
    if contact.bounced_until and contact.bounced_until > now:
        return _("refused a letter lately")
    if place.not_theirs_at:
        return _("said that it is not theirs")
    if is_within(contact.email, own_domains):
        return _("our own mail domain")
    return ""


def rungs_of(inquiry: Inquiry) -> list[Rung]:
    """The inquiry's ladder, with what hangs on it."""
    found = inquiry.rungs.select_related(
        "request__contact", "request__network", "request__answer", "request__forwarded_from"
    )
    return list(found)


def answer_to(request: Request) -> Answer | None:
    """The answer, if there is one; no query if it was loaded with the request."""
    return request.answer if hasattr(request, "answer") else None


def open_inquiries(request: Request) -> list[Inquiry]:
    """What the contact is asked about now, the first asked first."""
    return list(
        Inquiry.objects.filter(rungs__request=request, outcome="").order_by("opened_at", "pk")
    )


# -- For the desk ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """One contact on a ladder: asked (``request`` set), or left for later.

    ``look`` is the part of the style sheet: answered, bounced, silent, asked
    or later.
    """

    email: str
    roles: list[str]
    network: str
    look: str
    state: str | Promise
    why: str | Promise
    since: datetime | None = None
    sent_at: datetime | None = None
    reminded_at: datetime | None = None
    expires_at: datetime | None = None
    score: int | None = None
    flags: list[str] = field(default_factory=list)
    note: str = ""
    request: Request | None = None
    answer: Answer | None = None


def ladder(inquiry: Inquiry) -> list[Step]:
    """Whom we asked, in order, and whom we might ask yet; for agents' eyes only."""
    rungs = rungs_of(inquiry)
    asked = {rung.request.contact_id for rung in rungs}
    networks = {rung.request.network_id for rung in rungs}
    if inquiry.network is not None:
        networks.add(inquiry.network.pk)
        if inquiry.network.parent_id is not None:
            networks.add(inquiry.network.parent_id)
    found = NetworkContact.objects.filter(network__in=networks).select_related("contact", "network")
    places = list(found.order_by("-network__first", "network__last", "position"))
    by_pair = {(place.network_id, place.contact_id): place for place in places}
    steps = [
        _asked(rung, by_pair.get((rung.request.network_id, rung.request.contact_id)))
        for rung in rungs
    ]
    later: dict[int, NetworkContact] = {}
    for place in places:
        if place.contact_id not in asked:
            later.setdefault(place.contact_id, place)
    return steps + [_left(place) for place in later.values()]


def _asked(rung: Rung, place: NetworkContact | None) -> Step:
    request = rung.request
    answer = answer_to(request)
    return Step(
        email=request.contact.email,
        roles=place.roles if place else [],
        network=str(request.network),
        look=look_of(request),
        state=answer.get_kind_display() if answer else request.get_state_display(),
        why=Rung.Why(rung.why).label,
        since=rung.opened_at,
        sent_at=request.sent_at,
        reminded_at=request.reminded_at,
        expires_at=request.expires_at,
        score=place.score if place else None,
        flags=place.flags if place else [],
        note=rung.note,
        request=request,
        answer=answer,
    )


def _left(place: NetworkContact) -> Step:
    return Step(
        email=place.contact.email,
        roles=place.roles,
        network=str(place.network),
        look="later",
        state=_("not asked"),
        why=why_not_written_to(place, []),
        score=place.score,
        flags=place.flags,
    )


def look_of(request: Request) -> str:
    if request.state == State.BOUNCED:
        return "bounced"
    if request.state == State.ANSWERED:
        return "answered"
    return "asked" if request.state in OPEN else "silent"


def listing_place(network: Network, contact: Contact) -> NetworkContact | None:
    return network.contacts.filter(contact=contact).first()
