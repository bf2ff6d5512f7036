"""What strangers may do: ask, have the letter go elsewhere, confirm."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from delisting import deciding, emails, policy
from delisting.lifecycle import Event, State
from delisting.models import DelistRequest, Outcome, Proof
from escalation import owed, prefixes, queue
from escalation.actors import DESK, SENDER
from escalation.errors import Refused
from escalation.lifecycle import advance
from escalation.limits import Limit, TooOften, network_of
from escalation.prefixes import Address, Prefix
from mailroom import recipients, tokens
from mailroom.actions import cancel
from mailroom.rendering import clean

DAY: Final = 24 * 3600  # seconds
# Letters within a day.
FOR_ADDRESS: Final = Limit("delist-address", most=20, seconds=DAY)
FOR_NETWORK: Final = Limit("delist-network", most=60, seconds=DAY)
FOR_MAILBOX: Final = Limit("delist-mailbox", most=3, seconds=DAY)
FOR_DOMAIN: Final = Limit("delist-domain", most=300, seconds=DAY)
QUIET: Final = timedelta(hours=1)  # after a refusal for mail that still comes


class NotListed(Refused):
    """There is nothing to lift."""

    code = "not-listed"
    title = gettext_lazy("This address is not listed")


class NotBySender(Refused):
    """The policy has somebody else lift it."""

    code = "not-by-sender"
    title = gettext_lazy("This listing does not come off by itself")


class StillSending(Refused):
    """The last request was refused for that, less than an hour ago."""

    code = "still-sending"
    title = gettext_lazy("Mail from the address still comes")


class Enough(Refused):
    """As many letters as one day may have."""

    code = "too-many-requests"
    status = 429
    title = gettext_lazy("There have been many requests today")


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody says who wants an address let in; the three attestations are given."""

    address: Prefix
    email: str
    changed: str


def ask(wish: Wish) -> DelistRequest:
    """Take a request and write the confirmation letter: one transaction.

    Raises ``NotListed``, ``NotBySender``, ``Enough`` and ``recipients.NotAnAddress``.
    """
    email = recipients.recipient(wish.email)
    now = timezone.now()
    with transaction.atomic():
        verdict = policy.verdict(wish.address) if policy.single(wish.address) else None
        if verdict is None:
            raise NotListed(_("%s is not on our list.") % prefixes.shown(wish.address))
        _check_quiet(verdict.lifted, now)
        if not verdict.may_ask:
            raise NotBySender(_("A listing of this kind does not come off by itself."))
        _count_letter(wish.address.network_address, email)
        seed = uuid.uuid4()
        request = DelistRequest(
            seed=seed,
            listing=verdict.listing,
            prefix=str(verdict.lifted),
            address=str(wish.address.network_address),
            email=email,
            language=(get_language() or settings.LANGUAGE_CODE)[:2],
            changed=clean(wish.changed).strip(),
            asked_at=now,
            expires_at=now + timedelta(hours=settings.POSTERN_DELIST_LINK_HOURS),
            listed_then=deciding.seen(verdict),
            rule=verdict.rule if verdict.rule.pk else None,
            nth=verdict.nth,
            challenge=tokens.digest(tokens.token(f"delist-proof:{seed}"))[:32],
        )
        request.token_digest = tokens.digest(tokens.token(emails.link_key(request, 1)))
        request.status_digest = tokens.digest(tokens.token(emails.status_key(request)))
        request.due_at = now if deciding.missing(request, verdict) else request.expires_at
        request.save()
        request.letter = emails.confirmation(request)
        request.save(update_fields=["letter"])
        if request.due_at == now:
            queue.nudge("delistings")
    return request


def _check_quiet(prefix: Prefix, now: datetime) -> None:
    """Asking again at once is no way round a refusal for mail that still comes."""
    refused = DelistRequest.objects.filter(
        prefix=str(prefix), outcome=Outcome.STILL_SENDING, state_since__gt=now - QUIET
    )
    last = refused.order_by("-state_since").values_list("state_since", flat=True).first()
    if last is not None:
        again = timezone.localtime(last + QUIET)
        raise StillSending(
            _("Mail from the address was refused again after the last request. Ask at %s.")
            % f"{again:%H:%M %Z}"
        )


def _count_letter(address: Address, email: str) -> None:
    """One answer for all four limits: it does not tell whether the mailbox is known here."""
    try:
        FOR_ADDRESS.take(str(address))
        FOR_NETWORK.take(network_of(address))
        FOR_MAILBOX.take(email.lower())
        FOR_DOMAIN.take(email.rpartition("@")[2])
    except TooOften as refusal:
        raise Enough(
            _(
                "We send so many letters a day for one address, one network, one mailbox and one "
                "mail domain, and one of these has had enough. Use the link of a letter that you "
                "have, or ask again tomorrow."
            )
        ) from refusal


def write_again(request: DelistRequest, email: str) -> None:
    """Send the letter to another mailbox; the link of the one before stops working.

    Raises ``recipients.NotAnAddress``, ``NotAllowed`` and ``Enough``.
    """
    address = recipients.recipient(email)

    def new_link(row: DelistRequest, entry: object) -> None:
        _count_letter(row.host, address)
        if row.letter is not None:
            cancel(row.letter)  # if it still waits: its link would lead nowhere
        row.letters += 1
        row.email = address
        row.token_digest = tokens.digest(tokens.token(emails.link_key(row, row.letters)))
        row.letter = emails.confirmation(row)
        row.save(update_fields=["letters", "email", "token_digest", "letter"])

    advance(request, Event.WRITE_AGAIN, SENDER, effect=new_link)


def seen_mail(client: Address, challenge: str) -> bool:
    """A mail has come from ``client`` to the address of a request: that proves the host.

    It lifts nothing: whoever has the status page presses the button there.  False if no waiting
    request has that challenge and that address.
    """
    found = DelistRequest.objects.filter(challenge=challenge.lower(), state=State.ASKED).first()
    if found is None or client not in found.network:
        return False

    def noted(row: DelistRequest, entry: object) -> None:
        row.proof = Proof.MAIL
        row.save(update_fields=["proof"])

    advance(found, Event.PROVED, DESK, key="mail", effect=noted)
    return True


def confirm(request: DelistRequest, proof: str = Proof.LETTER) -> None:
    """The person wants it lifted now: decide at once where nothing has to be looked up first.

    Raises ``NotAllowed`` when it was confirmed before, or too late.
    """

    def proved(row: DelistRequest, entry: object) -> None:
        row.proof = proof
        row.save(update_fields=["proof"])
        owed.owe(row)
        deciding.decide_if_ready(row)

    with transaction.atomic():
        advance(request, Event.CONFIRM, SENDER, note=str(Proof(proof).label), effect=proved)
    request.refresh_from_db()
