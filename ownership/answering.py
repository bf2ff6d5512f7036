"""What an answer comes to: checked, turned into proofs, told to those whom it concerns.

Runs in the sweep, so that a look-up never holds up a web request.
"""

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from escalation import owed, prefixes, queue
from mailroom import actions as mailroom
from ownership import actions, asking, emails, lookups, queries
from ownership.budget import OutOfTurn
from ownership.facts import NEVER_WRITTEN_TO, ContactFlag
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
from ownership.outcomes import conclude
from ownership.rdap import TryLater
from ownership.verdicts import MAILBOX_LEVEL, verdict

PROOF_LASTS: Final = timedelta(days=180)
MOST_NOTICES: Final = 3
WEAKENING: Final = frozenset({ContactFlag.UNVALIDATED, ContactFlag.INVALID, ContactFlag.REMARK})


def settle(answer: Answer) -> None:
    """Give an answer its effect: once, however many workers hold it.

    Rows are locked as in ``ownership.asking``: inquiries, contacts, requests.
    Asks the registry outside any transaction.  Raises ``TryAgainLater`` and
    ``owed.LeaseLost``.
    """
    if answer.checked_at is not None:
        owed.finish(answer)
        return
    try:
        listed = _where_listed(answer) if answer.kind in queries.CONFIRMING else {}
    except (OutOfTurn, TryLater) as pause:  # our turn comes: no failure to be counted
        owed.finish(answer, timezone.now() + timedelta(seconds=pause.after or 60))
        return
    with transaction.atomic():
        owed.finish(answer)
        touched = Inquiry.objects.filter(pk__in=[inquiry.pk for inquiry in concerned(answer)])
        list(touched.select_for_update(no_key=True).order_by("pk"))
        _take_effect(answer, listed)
        _conclude_all(answer)
        _write_receipt(answer)
        queue.nudge("inquiries")
        queue.nudge("cases")


def _take_effect(answer: Answer, listed: dict[str, Network]) -> None:
    answer.checked_at, answer.accepted = timezone.now(), True
    if answer.kind in queries.CONFIRMING:
        _confirm(answer, listed)
    elif answer.kind == Answer.Kind.DENY:
        _revoke_contradicted(answer)
    elif answer.kind == Answer.Kind.FORWARD:
        _pass_on(answer)
    elif answer.kind == Answer.Kind.NOT_MINE:
        request = answer.request
        place = NetworkContact.objects.filter(network=request.network, contact=request.contact)
        place.update(not_theirs_at=answer.given_at)
    elif answer.kind == Answer.Kind.STOP:
        _stop(answer)
    answer.save(update_fields=["checked_at", "accepted", "reject_reason"])


# -- Confirm -----------------------------------------------------------------------------


def origin(request: Request) -> Request:
    """The request that the registry's contact got, from which this one was forwarded."""
    while request.forwarded_from is not None:
        request = request.forwarded_from
    return request


def is_by_hand(request: Request) -> bool:
    return request.rungs.filter(why=Rung.Why.BY_HAND).exists()


def _where_listed(answer: Answer) -> dict[str, Network]:
    """For each confirmed prefix the network that lists the contact now; absent if none does."""
    first = origin(answer.request)
    if is_by_hand(first):
        return dict.fromkeys(answer.prefixes, first.network)
    found: dict[str, Network] = {}
    asker = lookups.Asker()
    for prefix in answer.prefixes:
        asked = prefixes.parse_prefix(prefix)
        read_just_now = (network for network in found.values() if network.covers(asked))
        network = next(read_just_now, None) or lookups.still_listed(
            asked, first.contact, answer.given_at, asker
        )
        if network is not None:
            found[prefix] = network
    return found


def _confirm(answer: Answer, listed: dict[str, Network]) -> None:
    missing = [prefix for prefix in answer.prefixes if prefix not in listed]
    answer.accepted = bool(listed)
    if missing:
        answer.reject_reason = _("The registry no longer lists %(email)s for %(prefixes)s.") % {
            "email": origin(answer.request).contact.email,
            "prefixes": ", ".join(missing),
        }
        answer.prefixes = [prefix for prefix in answer.prefixes if prefix in listed]
        answer.save(update_fields=["prefixes"])
    denied = _denied_elsewhere(answer)
    for prefix, network in listed.items():
        if prefix not in denied:
            _prove(answer, prefixes.keys(prefixes.parse_prefix(prefix)), network)
    if answer.whole_network and not denied:
        for network in {one.pk: one for one in listed.values()}.values():
            _prove(answer, (network.first, network.last), network)
    if answer.accepted:
        _tell_others(answer, listed)


def _denied_elsewhere(answer: Answer) -> set[str]:
    """Prefixes that another contact of the same inquiry has denied: no weaker word undoes it."""
    denials = Answer.objects.filter(
        kind=Answer.Kind.DENY,
        accepted=True,
        request__rungs__inquiry__in=answer.request.rungs.values("inquiry"),
    ).exclude(pk=answer.pk)
    return {prefix for denial in denials.distinct() for prefix in denial.prefixes}


def level_of(request: Request) -> tuple[int, Proof.Method]:
    """What an answer to this request can prove at most, and how."""
    first = origin(request)
    if is_by_hand(first):
        return MAILBOX_LEVEL, Proof.Method.MANUAL
    if first == request:
        return MAILBOX_LEVEL, Proof.Method.REGISTRY_MAIL
    same = _same_house(request.contact.email, first.contact.email)
    return (MAILBOX_LEVEL if same else 1), Proof.Method.FORWARDED_MAIL


def _same_house(email: str, other: str) -> bool:
    """Whether one address lies in the other's domain or below it."""
    domains = queries.domain_of(email), queries.domain_of(other)
    return queries.is_within(email, domains[1:]) or queries.is_within(other, domains[:1])


def _prove(answer: Answer, scope: tuple[str, str], network: Network) -> None:
    request, first = answer.request, origin(answer.request)
    level, method = level_of(request)
    place = queries.listing_place(network, first.contact)
    flags = sorted(WEAKENING.intersection(place.flags)) if place else []
    chain = f", named by {first.contact.email}" if first != request else ""
    read = f"read {network.read_at:%Y-%m-%d %H:%M} UTC, SHA-256 {network.sha256}"
    notes = "".join(f"; {note}" for note in first.rungs.values_list("note", flat=True) if note)
    Proof.objects.get_or_create(
        answer=answer,
        first=scope[0],
        last=scope[1],
        defaults={
            "network": network,
            "method": method,
            "level": level,
            "flags": flags,
            "provenance": f"{answer.name_given} by {request.contact.email}{chain}{notes}; "
            f"network {network.handle} at {network.url}, {read}",
            "verified_at": answer.checked_at or answer.given_at,
            "expires_at": answer.given_at + PROOF_LASTS,
        },
    )


def _tell_others(answer: Answer, listed: dict[str, Network]) -> None:
    """Write to the network's other role mailboxes, who have three days to object."""
    now = timezone.now()
    network = next(iter(listed.values()))
    level, method = level_of(answer.request)
    if level < MAILBOX_LEVEL or method == Proof.Method.MANUAL:
        return
    inquiries = list(
        Inquiry.objects.filter(rungs__request=answer.request, prefix__in=listed).order_by("pk")
    )
    shown = [prefixes.shown(prefixes.parse_prefix(prefix)) for prefix in listed]
    others = _others(network, answer)
    asking.lock_contacts(place.contact_id for place in others)
    for place in others:
        there = Request.objects.open().filter(network=network, contact=place.contact).first()
        if there is None and asking.room_for_letter(place.contact, now) > now:
            continue
        request = there or asking.request_to(network, place.contact, now, lasting=asking.REVOCABLE)
        for inquiry in inquiries:
            asking.open_rung(inquiry, request, Rung.Why.NOTICE, now)
        if there is None:  # who is asked about something else sees this on the same page
            asking.write_with_link(request, emails.notice(request, answer, shown), now)


def _others(network: Network, answer: Answer) -> list[NetworkContact]:
    """The role mailboxes that have not been on these ladders: whoever has knows already."""
    inquiries = answer.request.rungs.values("inquiry")
    involved = Request.objects.filter(rungs__inquiry__in=inquiries).values("contact")
    places = network.contacts.filter(listed=True, contact__is_person=False)
    found = places.exclude(contact__in=involved).select_related("contact")
    writable = [
        place
        for place in found
        if NEVER_WRITTEN_TO.isdisjoint(place.flags)
        and not queries.why_not_written_to(place, asking.own_domains())
    ]
    return writable[:MOST_NOTICES]


# -- Other answers -------------------------------------------------------------------------


def _revoke_contradicted(answer: Answer) -> None:
    """End the proofs that say otherwise: a denial is never overridden by a weaker confirm."""
    for prefix in answer.prefixes:
        Proof.objects.current().covering(prefixes.parse_prefix(prefix)).filter(
            level__lte=MAILBOX_LEVEL
        ).update(
            revoked_at=timezone.now(),
            revoke_reason=_("%(email)s, another contact of the network, says no.")
            % {"email": answer.request.contact.email},
        )


def _pass_on(answer: Answer) -> None:
    """Ask whom the contact named: a child of the same request."""
    now, request = timezone.now(), answer.request
    contact, _made = Contact.objects.get_or_create(email=answer.forward_to)
    if not asking.may_have_letters(contact, now):
        answer.accepted = False
        answer.reject_reason = _("%(email)s has asked us not to write, or refuses our letters.") % {
            "email": contact.email
        }
        return
    child = asking.request_to(request.network, contact, now, forwarded_from=request)
    for inquiry in queries.open_inquiries(request):
        asking.open_rung(inquiry, child, Rung.Why.FORWARDED, now)


def _stop(answer: Answer) -> None:
    """Leave the contact alone in everything else that we have asked them, too."""
    contact = answer.request.contact
    asking.lock_contacts([contact.pk])
    Contact.objects.filter(pk=contact.pk, stopped_at=None).update(stopped_at=answer.given_at)
    for request in Request.objects.open().filter(contact=contact).order_by("pk"):
        actions.cancel_request(request, key="stop")


# -- What follows ------------------------------------------------------------------------------


def concerned(answer: Answer) -> list[Inquiry]:
    """The inquiries that the answer may bear upon.

    Its own, open ones that a proof covers, and all that wait for somebody who
    asked us to stop.
    """
    wanted = Q(rungs__request=answer.request)
    if answer.kind == Answer.Kind.STOP:
        wanted |= Q(rungs__request__contact=answer.request.contact, outcome="")
    for first, last in answer.proofs.values_list("first", "last"):
        wanted |= Q(first__gte=first, last__lte=last, outcome="")
    return list(Inquiry.objects.filter(wanted).distinct().order_by("pk"))


def _conclude_all(answer: Answer) -> None:
    """Give inquiries their outcome where there is one now; have the others climbed at once."""
    for inquiry in concerned(answer):
        decided = verdict(inquiry, queries.rungs_of(inquiry))
        if decided is not None and not _waits_for_flags(inquiry):
            conclude(inquiry, *decided)
        elif not inquiry.outcome:
            owed.owe(inquiry)


def _waits_for_flags(inquiry: Inquiry) -> bool:
    """Whether the proof is the word of those who ask: the climb notes that first."""
    return "tenant_is_owner" not in inquiry.flags and queries.tenant_is_owner(
        inquiry.asked, inquiry.tenant_domains
    )


def _write_receipt(answer: Answer) -> None:
    """Tell them what became of their answer; not one who asked us to stop."""
    contact, now = answer.request.contact, timezone.now()
    if answer.kind == Answer.Kind.STOP or asking.room_for_letter(contact, now) > now:
        return
    draft = emails.receipt(answer)
    mailroom.write(
        key=f"owner:{answer.request_id}:receipt",
        kind=draft.kind,
        recipient=contact.email,
        language=draft.language,
        template=draft.template,
        context=draft.context,
    )
