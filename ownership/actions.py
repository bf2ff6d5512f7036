"""What can be done about owners: ask, stop asking, answer, revoke.

Nothing here writes a letter or asks a registry; the sweep does, soon after.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalation import owed, prefixes, queue
from escalation.actors import DESK, OWNER, Actor
from escalation.errors import Refused
from escalation.lifecycle import advance
from escalation.prefixes import Prefix
from mailroom import actions as mailroom
from mailroom import recipients
from mailroom.rendering import clean, single_line
from ownership import queries
from ownership.lifecycle import OPEN, Event
from ownership.models import (
    Answer,
    Contact,
    Inquiry,
    Network,
    Proof,
    Request,
    RequestLetter,
    Rung,
)
from ownership.outcomes import conclude
from ownership.verdicts import verdict

MOST_FORWARDS: Final = 2


class NotOpen(Refused):
    """The question has an answer already, or is asked no longer."""

    code = "question-not-open"
    title = gettext_lazy("This question is not open any more")


class NotForwardable(Refused):
    """The question cannot be passed on to that address."""

    code = "not-forwardable"
    status = 422
    title = gettext_lazy("The question cannot be passed on like this")


# -- Inquiries -------------------------------------------------------------------------


def open_inquiry(
    prefix: Prefix,
    *,
    level_needed: int = 2,
    evidence: dict[str, Any],
    tenant_domains: Iterable[str],
) -> Inquiry:
    """Find out who owns ``prefix`` and whether it shall be let in; the open inquiry, or a new one.

    Idempotent: a second call adds its tenant's domains and renews the
    evidence.  Where a proof at the level needed is on file the inquiry is
    confirmed at once, and nobody is written to.
    """
    domains = sorted({domain.casefold() for domain in tenant_domains})
    with transaction.atomic():
        inquiry = _open_one(prefix)
        if inquiry is None:
            first, last = prefixes.keys(prefix)
            try:
                with transaction.atomic():
                    inquiry = Inquiry.objects.create(
                        prefix=str(prefix), first=first, last=last, evidence=evidence,
                        level_needed=level_needed, tenant_domains=domains, due_at=timezone.now(),
                    )  # fmt: skip
            except IntegrityError:  # somebody else was quicker
                inquiry = Inquiry.objects.get(prefix=str(prefix), outcome="")
        _add(inquiry, level_needed, evidence, domains)
        _take_proof_on_file(inquiry)
        queue.nudge("inquiries")
    return inquiry


def _open_one(prefix: Prefix) -> Inquiry | None:
    there = Inquiry.objects.filter(prefix=str(prefix), outcome="")
    return there.select_for_update(no_key=True).first()


def _add(inquiry: Inquiry, level: int, evidence: dict[str, Any], domains: list[str]) -> None:
    more = sorted({*inquiry.tenant_domains, *domains})
    if more != inquiry.tenant_domains:
        owed.owe(inquiry)  # a contact of theirs may be on the ladder already
    inquiry.tenant_domains, inquiry.evidence = more, evidence
    inquiry.level_needed = max(inquiry.level_needed, level)
    if queries.tenant_is_owner(inquiry.asked, more):
        inquiry.flags = sorted({*inquiry.flags, "tenant_is_owner"})
        inquiry.level_needed = max(3, inquiry.level_needed)
    inquiry.save(update_fields=["tenant_domains", "evidence", "level_needed", "flags"])


def note_tenant(inquiry: Inquiry, domains: Iterable[str]) -> None:
    """Another tenant waits for the same answer: its own word must not count either."""
    with transaction.atomic():
        inquiry.refresh_from_db(from_queryset=Inquiry.objects.select_for_update(no_key=True))
        if not inquiry.outcome:
            _add(
                inquiry, inquiry.level_needed, inquiry.evidence, [one.casefold() for one in domains]
            )


def _take_proof_on_file(inquiry: Inquiry) -> None:
    if queries.effective_level(inquiry.asked) < inquiry.level_needed:
        return
    decided = verdict(inquiry, queries.rungs_of(inquiry))
    if decided is not None and conclude(inquiry, *decided):
        inquiry.refresh_from_db()


def reopen_inquiry(inquiry: Inquiry) -> Inquiry:
    """Ask the owner again, from the first contact on; the new inquiry.

    What was answered before stays on the old one.
    """
    with transaction.atomic():
        close_inquiry(inquiry)
        return open_inquiry(
            inquiry.asked,
            level_needed=min(inquiry.level_needed, 2) if inquiry.flags else inquiry.level_needed,
            evidence=inquiry.evidence,
            tenant_domains=inquiry.tenant_domains,
        )


def close_inquiry(inquiry: Inquiry) -> None:
    """Ask no longer; requests that nobody else leans on end with it, unsent letters too."""
    with transaction.atomic():
        Inquiry.objects.select_for_update(no_key=True).get(pk=inquiry.pk)
        conclude(inquiry, Inquiry.Outcome.CANCELLED, _("The case was closed."))
        inquiry.refresh_from_db()
        for rung in inquiry.rungs.select_related("request").exclude(why=Rung.Why.NOTICE):
            others = Rung.objects.filter(request=rung.request, inquiry__outcome="")
            if rung.request.state in OPEN and not others.exclude(inquiry=inquiry).exists():
                cancel_request(rung.request)


def cancel_request(request: Request, *, key: str = "closed") -> None:
    """End a request that has no answer; letters of it that have not gone out stay here.

    Does nothing if the answer came first.
    """
    with transaction.atomic():
        Contact.objects.select_for_update(no_key=True).get(pk=request.contact_id)
        request.refresh_from_db(from_queryset=Request.objects.select_for_update())
        if request.state in OPEN:
            advance(request, Event.CANCEL, DESK, key=key)
            for written in request.letters.select_related("letter"):
                mailroom.cancel(written.letter)


def ask_by_hand(
    inquiry: Inquiry, email: str, *, reason: str, proposed_by: str, agreed_by: str
) -> Inquiry:
    """Write to a contact whom one agent proposed and another agreed to; the new inquiry.

    What they prove counts as level 2 at most.  Raises ``Refused`` for what is
    no address, for our own domains and those of the tenants who ask, and for
    one who has asked us to stop.
    """
    address = recipients.recipient(email).casefold()
    if queries.is_within(address, [*settings.POSTERN_OWN_DOMAINS, *inquiry.tenant_domains]):
        raise Refused(_("%(email)s is ours, or belongs to those who ask.") % {"email": address})
    contact, _made = Contact.objects.get_or_create(email=address)
    if contact.stopped_at:
        raise Refused(_("%(email)s has asked us not to write.") % {"email": address})
    note = _("Proposed by %(proposed)s, agreed by %(agreed)s: %(reason)s") % {
        "proposed": proposed_by, "agreed": agreed_by, "reason": reason.strip(),
    }  # fmt: skip
    now = timezone.now()
    with transaction.atomic():
        again = reopen_inquiry(inquiry)
        if again.outcome:  # a proof is on file: nobody need be asked
            return again
        network = inquiry.network or _unregistered(inquiry.asked)
        again.network = network
        again.save(update_fields=["network"])
        request = Request.objects.open().filter(network=network, contact=contact).first()
        request = request or Request.objects.create(
            network=network, contact=contact, opened_at=now,
            expires_at=now + timedelta(days=settings.POSTERN_OWNER_DAYS[-1]),
        )  # fmt: skip
        again.rungs.create(
            request=request, position=0, why=Rung.Why.BY_HAND, note=note, opened_at=now
        )
    return again


def _unregistered(prefix: Prefix) -> Network:
    """A stand-in where no registry knows the network."""
    first, last = prefixes.keys(prefix)
    network, _made = Network.objects.get_or_create(
        registry="", handle=str(prefix), first=first, last=last,
        defaults={"url": "", "sha256": "", "flags": ["by_hand"], "read_at": timezone.now()},
    )  # fmt: skip
    return network


# -- Answers ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Given:
    """What a person chose on the answer page."""

    kind: Answer.Kind
    prefixes: Sequence[str] = ()
    whole_network: bool = False
    name: str = ""
    text: str = ""
    forward_to: str = ""


def record_answer(letter: RequestLetter, given: Given) -> Answer:
    """Take the answer of whoever holds the letter's link; the sweep gives it its effect.

    One answer a request: of two at the same instant one is written, and the
    other raises ``NotOpen``, as it does for a link that has ended.  Raises
    ``NotForwardable`` and ``recipients.NotAnAddress`` for a wrong forward.
    """
    forward_to = ""
    if given.kind == Answer.Kind.FORWARD:
        forward_to = _forwardable(letter.request, given.forward_to)
    with transaction.atomic():
        Contact.objects.select_for_update(no_key=True).get(pk=letter.contact_id)
        request = Request.objects.select_for_update().get(pk=letter.request_id)
        letter.refresh_from_db(fields=["superseded_at", "expires_at"])
        ended = letter.superseded_at is not None or letter.expires_at <= timezone.now()
        if ended or request.state not in OPEN:
            raise NotOpen(_("This question has been answered, or is not asked any more."))
        advance(request, Event.ANSWER, OWNER, note=given.kind)
        answer = Answer.objects.create(
            request=request,
            kind=given.kind,
            prefixes=list(given.prefixes) or asked_prefixes(request),
            whole_network=given.whole_network,
            name_given=single_line(given.name, 200),
            text=clean(given.text),
            forward_to=forward_to,
            due_at=timezone.now(),
        )
        if given.kind == Answer.Kind.STOP:
            Contact.objects.filter(pk=letter.contact_id).update(stopped_at=timezone.now())
    return answer


def asked_prefixes(request: Request) -> list[str]:
    """What the contact is asked about, as long as anybody wants to know, in order."""
    asked = Inquiry.objects.filter(rungs__request=request).exclude(
        outcome=Inquiry.Outcome.CANCELLED
    )
    return list(dict.fromkeys(asked.order_by("first", "last").values_list("prefix", flat=True)))


def _forwardable(request: Request, email: str) -> str:
    address = recipients.recipient(email).casefold()
    if request.depth >= MOST_FORWARDS:
        raise NotForwardable(
            _("This question has been passed on twice already: please answer it yourself, or say "
              "that it is not yours."), field="forward_to",
        )  # fmt: skip
    if address == request.contact.email:
        raise NotForwardable(
            _("This is the address that we wrote to: name another."), field="forward_to"
        )
    if queries.is_within(address, settings.POSTERN_OWN_DOMAINS):
        raise NotForwardable(
            _("This address is ours: name one of your own house."), field="forward_to"
        )
    return address


# -- Agents ----------------------------------------------------------------------------


def revoke_proof(proof: Proof, actor: Actor, reason: str) -> None:
    """End a proof before its time.  Raises ``Refused`` without a reason, or if it has ended."""
    if not reason.strip():
        raise Refused(_("Say why the proof no longer holds."))
    done = Proof.objects.filter(pk=proof.pk, revoked_at=None).update(
        revoked_at=timezone.now(), revoked_by=actor.user, revoke_reason=reason.strip()
    )
    if not done:
        raise Refused(_("This proof has been revoked already."))
    queue.nudge("cases")


def stop_writing_to(contact: Contact) -> None:
    """Put a contact on the stop list; what is on its way to them is not held up."""
    Contact.objects.filter(pk=contact.pk, stopped_at=None).update(stopped_at=timezone.now())


def allow_writing_to(contact: Contact) -> None:
    """Take a contact off the stop list."""
    Contact.objects.filter(pk=contact.pk).update(stopped_at=None, bounced_until=None)
