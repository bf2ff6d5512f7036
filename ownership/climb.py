"""The way up an inquiry's ladder.

Whom to ask next follows from the rows alone: the rungs there are, what came of
their requests, and how long ago the first one was opened.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from escalation import owed
from escalation.errors import TryAgainLater
from mailroom import alerts
from ownership import asking, lookups, queries
from ownership.budget import OutOfTurn
from ownership.ladders import Ladder
from ownership.lifecycle import OPEN
from ownership.models import Inquiry, Network, NetworkContact, Rung
from ownership.outcomes import conclude
from ownership.rdap import TryLater
from ownership.verdicts import verdict

GIVE_UP: Final = 6  # look-ups in vain (some nine hours), then an agent
JUST_CHANGED: Final = timedelta(days=14)  # a record taken over lately is no good witness


@dataclass
class Choice:
    """Whom to ask next, and how it weakens what they may prove."""

    network: Network | None = None
    places: list[tuple[NetworkContact, Rung.Why]] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)

    def add(self, places: list[NetworkContact], why: Rung.Why) -> None:
        self.places += [(place, why) for place in places]

    @property
    def contacts(self) -> set[int]:
        return {place.contact_id for place, _why in self.places}


def climb(inquiry: Inquiry) -> None:
    """Look at an inquiry: conclude it, or ask whoever the plan says is next.

    Asks the registry outside any transaction.  Raises ``TryAgainLater`` and
    ``owed.LeaseLost``.
    """
    ladder = Ladder(inquiry, timezone.now())
    if inquiry.outcome:
        owed.finish(inquiry)
        return
    _raise_level_if_tenant_is_owner(inquiry)
    decided = verdict(inquiry, ladder.rungs)
    if decided is None and ladder.is_over:
        decided = Inquiry.Outcome.UNKNOWN, _("Nobody answered in time.")
    if decided is not None:
        with transaction.atomic():
            owed.finish(inquiry)
            conclude(inquiry, *decided)
        return
    try:
        choice = choose(ladder) if ladder.missing else Choice(inquiry.network)
    except TryAgainLater as error:
        _come_back(inquiry, ladder, error)
        return
    _ask(ladder, choice)


def _raise_level_if_tenant_is_owner(inquiry: Inquiry) -> None:
    """A proof that is the word of those who ask must not count for them."""
    if queries.tenant_is_owner(inquiry.asked, inquiry.tenant_domains):
        flag(inquiry, {"tenant_is_owner"})


def flag(inquiry: Inquiry, flags: set[str]) -> None:
    """Note what makes a registry mailbox's word too little: level 3 is needed then."""
    if flags - set(inquiry.flags):
        inquiry.flags = sorted(flags | set(inquiry.flags))
        inquiry.level_needed = max(3, inquiry.level_needed)
        inquiry.save(update_fields=["flags", "level_needed"])


def _come_back(inquiry: Inquiry, ladder: Ladder, error: TryAgainLater) -> None:
    """Wait our turn without counting it as a failure; give up on a registry that never answers."""
    now = ladder.now
    if isinstance(error, OutOfTurn | TryLater):
        owed.finish(inquiry, now + timedelta(seconds=error.after or 60))
        return
    if inquiry.attempts + 1 < GIVE_UP:
        raise error
    with transaction.atomic():
        if ladder.is_waiting:
            owed.finish(inquiry, now + timedelta(hours=6))
            return
        owed.finish(inquiry)
        conclude(inquiry, Inquiry.Outcome.UNKNOWN, _("The registry does not answer: ") + str(error))


def fail(inquiry: Inquiry) -> None:
    """Leave an inquiry that fails again and again to an agent, and tell the operator why."""
    owed.owe_nothing(inquiry)
    why = _("The look-up failed too often: %s") % inquiry.last_error
    conclude(inquiry, Inquiry.Outcome.UNKNOWN, why)
    alerts.given_up(inquiry)


def choose(ladder: Ladder) -> Choice:
    """The next contacts by the plan, from the registry as it stands now.

    Goes up to the networks around only as far as needed.  Raises
    ``TryAgainLater``.
    """
    inquiry, prefix = ladder.inquiry, ladder.inquiry.asked
    asker = lookups.Asker()
    since = ladder.now - lookups.FOR_SENDING
    network = lookups.lookup(prefix, since, asker)
    choice = Choice(network)
    if network is None:
        return choice
    first = not ladder.rungs
    n_above = int(lookups.wants_parent(network) if first else ladder.wants_parent)
    n_here = ladder.missing if first else max(0, ladder.missing - n_above)
    taken = {rung.request.contact_id for rung in ladder.rungs}
    here = candidates(network, taken)
    why = Rung.Why.FIRST if first else Rung.Why.NEXT
    choice.add(here[:n_here], why)
    n_left = n_above if first and choice.places else n_here + n_above - len(choice.places)
    way = lookups.upwards(network, prefix, since, asker)
    next(way)
    while n_left > 0 and (around := next(way, None)) is not None:
        above = candidates(around, taken | choice.contacts)[:n_left]
        choice.add(above, Rung.Why.PARENT)
        n_left -= len(above)
    if not first:
        choice.add(here[n_here:][:n_left], why)
    choice.flags = risks(inquiry, network, choice)
    return choice


def candidates(network: Network, taken: set[int]) -> list[NetworkContact]:
    """The contacts of one network that may be asked and have not been, the best first."""
    places = network.contacts.filter(listed=True).select_related("contact", "network")
    own = asking.own_domains()
    return [
        place
        for place in places.exclude(contact__in=taken)
        if not queries.why_not_written_to(place, own)
    ]


def risks(inquiry: Inquiry, network: Network, choice: Choice) -> set[str]:
    """What makes the word of these contacts too little by itself."""
    flags = set()
    emails = [place.contact.email for place, _why in choice.places]
    if any(queries.is_within(email, inquiry.tenant_domains) for email in emails):
        flags.add("tenant_is_owner")
    if network.changed_at and network.changed_at > timezone.now() - JUST_CHANGED:
        flags.add("record_just_changed")
    return flags


def _ask(ladder: Ladder, choice: Choice) -> None:
    """Write rungs, requests and letters, and when to look again, in one transaction."""
    inquiry, now = ladder.inquiry, ladder.now
    with transaction.atomic():
        owed.finish(inquiry)
        if choice.network is not None and inquiry.network_id != choice.network.pk:
            inquiry.network = choice.network
            inquiry.save(update_fields=["network"])
        flag(inquiry, choice.flags)
        waiting = [rung.request for rung in ladder.rungs if rung.request.state in OPEN]
        asking.lock_contacts(choice.contacts | {request.contact_id for request in waiting})
        for place, why in choice.places:
            request = asking.request_to(place.network, place.contact, now)
            asking.open_rung(inquiry, request, why, now)
            waiting.append(request)
        letters = [asking.write_due_letters(request, now) for request in waiting]
        after = Ladder(inquiry, now)
        if after.is_waiting:
            moments = [*after.next_days(), *letters, *(one.expires_at for one in waiting)]
            _look_again(inquiry, now, moments)
        else:
            conclude(inquiry, Inquiry.Outcome.UNKNOWN, _why_nobody(after, choice))


def _look_again(inquiry: Inquiry, now: datetime, moments: list[datetime | None]) -> None:
    coming = [moment for moment in moments if moment is not None and moment > now]
    due_at = min(coming, default=now + timedelta(days=1))
    Inquiry.objects.filter(pk=inquiry.pk).update(due_at=due_at)


def _why_nobody(ladder: Ladder, choice: Choice) -> str:
    if ladder.rungs:
        return _("No contact is left to ask.")
    if choice.network is None:
        return _("The registry does not know whose space this is.")
    return _("The registry names nobody whom we may write to.")
