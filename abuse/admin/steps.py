"""The steps of an incident as the desk offers them, and taking them: alone, or many at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext as _

from abuse import actions
from abuse.lifecycle import INCIDENT, TELLS_TENANT, Event
from abuse.models import Incident, IncidentEntry
from escalation.actors import Actor
from escalation.errors import Refused, type_of_text

MOST: Final = 100  # incidents that one press of a button takes along
LONGEST_NOTE: Final = 4000  # characters
# The tenant reads the notes of these; all others stay at the desk.
IN_BULK: Final = (Event.WARN, Event.ASK, Event.RESOLVE, Event.DISMISS)
NEEDS_NOTE: Final = frozenset(step.event for step in INCIDENT.transitions if step.needs_note)

FOLLOWS: Final[dict[str, type_of_text]] = {
    Event.WARN: gettext_lazy("The tenant’s admins get a letter with a sample, without reporters."),
    Event.ASK: gettext_lazy(
        "The tenant’s admins get a letter, and have %(statement_days)d days for their statement."
    ),
    Event.RESTRICT: gettext_lazy(
        "The hook keeps the tenant from sending; its admins get a letter, and can appeal."
    ),
    Event.UPHOLD: gettext_lazy("The restriction stays; the tenant’s admins get a letter."),
    Event.RELEASE: gettext_lazy(
        "The hook lets the tenant send again, and the incident is resolved. Its admins get a "
        "letter."
    ),
    Event.RESOLVE: gettext_lazy("It has ended well. Whoever heard of it is told that it is over."),
    Event.DISMISS: gettext_lazy(
        "There was nothing in it. Whoever heard of it is told that it is over."
    ),
    Event.REOPEN: gettext_lazy("Reports count on it again."),
}


class MovedOn(Refused):
    """The incident is no longer as the agent saw it."""

    code = "incident-moved-on"
    title = gettext_lazy("The incident has moved on meanwhile")


@dataclass(frozen=True, slots=True)
class Offer:
    """A step as the page offers it; ``reason`` is what is in its way, "" for nothing."""

    event: str
    label: str
    follows: str
    reason: str
    needs_note: bool
    tells_tenant: bool
    css: str


def offers(incident: Incident, actor: Actor) -> list[Offer]:
    """The steps of the table that are an agent's from here; what was proposed is the filled one."""
    return [
        Offer(
            event=str(Event(step.event).value),
            label=str(Event(step.event).label),
            follows=follows(step.event),
            reason=reason,
            needs_note=step.needs_note,
            tells_tenant=step.event in TELLS_TENANT,
            css="primary" if step.event == incident.proposed
            else "danger" if step.event == Event.RESTRICT else "",
        )
        for step, reason in INCIDENT.steps_for(incident, actor)
    ]  # fmt: skip


def follows(event: str) -> str:
    """What follows from a step, in a sentence."""
    if event in {Event.RESTRICT, Event.RELEASE} and not settings.POSTERN_RESTRICT_HOOK:
        return gettext(
            "No hook is set: do it on your mail servers by hand, then tick off its call on this "
            "page. The tenant’s admins get a letter at once."
        )
    return str(FOLLOWS[event]) % {"statement_days": settings.POSTERN_STATEMENT_DAYS}


def seen_of(incident: Incident) -> str:
    """What a form carries of the incident as its reader saw it: the latest step."""
    return str(incident.entries.order_by("-pk").values_list("pk", flat=True).first() or 0)


def take(
    incident: Incident, event: str, actor: Actor, *, seen: str, note: str, key: str
) -> IncidentEntry:
    """Take a step on an incident that stands as the agent saw it.

    Idempotent by ``key``.  Raises ``MovedOn``, and as ``actions.take_step``.
    """
    with transaction.atomic():
        locked = Incident.objects.select_for_update().get(pk=incident.pk)
        is_retry = locked.entries.filter(key=key).exists()
        if not is_retry and seen != seen_of(locked):
            raise MovedOn(
                _(
                    "Somebody took a step since you opened the page, so nothing was done. Read "
                    "the history below before you take yours."
                )
            )
        return actions.take_step(locked, event, actor, note=note, key=key)


@dataclass(slots=True)
class Told:
    """What became of a step on many incidents."""

    n_done: int = 0
    refused: list[tuple[Incident, str]] = field(default_factory=list)


def take_each(
    incidents: Iterable[Incident], event: str, actor: Actor, *, note: str, key: str
) -> Told:
    """Take the step on each; a refusal stops nothing but its own incident.

    A second call with the same ``key`` does nothing twice.
    """
    told = Told()
    for incident in incidents:
        try:
            actions.take_step(incident, event, actor, note=note, key=f"{key}:{event}:{incident.pk}")
        except Refused as refusal:
            told.refused.append((incident, refusal.message))
        else:
            told.n_done += 1
    return told
