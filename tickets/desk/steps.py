"""The steps that the table opens to an agent, and taking them: alone, or many at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalation import moments
from escalation.actors import Actor
from escalation.errors import Refused, type_of_text
from tickets import actions, guards
from tickets.guards import HIGHEST
from tickets.lifecycle import CASE, Event, State
from tickets.models import Case, Entry

E = Event
MOST = 100  # cases that one form may carry
# The first of these that is open is the page's one filled button.
FORWARD = (E.APPROVE, E.ENDORSE, E.ASK_BY_HAND, E.ASK_AGAIN, E.INSIST, E.REOPEN, E.CLAIM)
TAKES_AWAY = frozenset({E.REFUSE})
ORDER = (
    E.APPROVE, E.ENDORSE, E.ASK_SENDER, E.ASK_CUSTOMER, E.ASK_BY_HAND, E.ASK_AGAIN, E.JUDGE,
    E.PROPOSE_CONTACT, E.INSIST, E.REOPEN, E.CLAIM, E.RELEASE, E.ESCALATE, E.REFUSE,
)  # fmt: skip
IN_BULK = (
    E.CLAIM, E.RELEASE, E.ESCALATE, E.ENDORSE, E.APPROVE, E.ASK_SENDER, E.ASK_CUSTOMER, E.REFUSE,
)  # fmt: skip

FOLLOWS: dict[str, type_of_text] = {
    E.APPROVE: gettext_lazy(
        "It leaves the list with the next serial; done when every sink has proved that, within "
        "%(delist_hours)d hours. Customers and senders get a letter."
    ),
    E.ENDORSE: gettext_lazy("The first of two approvals: another agent must give the second."),
    E.ASK_SENDER: gettext_lazy(
        "Your note goes to each sender as the question. Their turn for %(party_days)d days."
    ),
    E.ASK_CUSTOMER: gettext_lazy(
        "Your note goes to each customer by themselves, as the question. Their turn for "
        "%(party_days)d days."
    ),
    E.ASK_BY_HAND: gettext_lazy("A letter goes to the proposed contact. The owner’s turn."),
    E.ASK_AGAIN: gettext_lazy(
        "The ladder begins anew, with new letters. Your note is kept as the reason."
    ),
    E.JUDGE: gettext_lazy(
        "Back to review without proof: your note says on what ground, and the desk answers for it."
    ),
    E.PROPOSE_CONTACT: gettext_lazy("Another agent must agree before a letter goes out."),
    E.INSIST: gettext_lazy("The facts are gathered afresh."),
    E.REOPEN: gettext_lazy("The facts are gathered afresh; tickets that have ended stay so."),
    E.CLAIM: gettext_lazy("The others see that you have it. A higher level can take it over."),
    E.RELEASE: gettext_lazy("Nobody has it then; it stays in the queue."),
    E.ESCALATE: gettext_lazy("Rises to level %(next_level)d; the agents there get a letter."),
    E.REFUSE: gettext_lazy(
        "Your note goes to customers and senders as the reason. They can appeal for "
        "%(appeal_days)d days."
    ),
}  # fmt: skip


class MovedOn(Refused):
    """The case is no longer as the agent saw it."""

    code = "case-moved-on"
    title = gettext_lazy("The case has moved on meanwhile")


class HeldByAnother(Refused):
    """Another agent has the case; steps on many at once leave it alone."""

    code = "case-held-by-another"
    title = gettext_lazy("Another agent has this case")


@dataclass(frozen=True, slots=True)
class Offer:
    """A step as a page offers it; ``reason`` is what is in its way, "" for nothing."""

    event: str
    label: str
    follows: str
    reason: str
    needs_note: bool
    is_primary: bool
    is_danger: bool

    @property
    def css(self) -> str:
        return "primary" if self.is_primary else "danger" if self.is_danger else ""


def offers(case: Case, actor: Actor) -> list[Offer]:
    """The steps of the table from here for an agent, in the order of ``ORDER``."""
    found = {
        step.event: (step, reason)
        for step, reason in CASE.steps_for(case, actor)
        if step.event not in _moot(case, actor)
    }
    ready = {event for event, (_step, reason) in found.items() if not reason}
    primary = next((event for event in FORWARD if event in ready), None)
    return [
        Offer(
            event=str(event.value),
            label=str(event.label),
            follows=follows(event, case),
            reason=found[event][1],
            needs_note=found[event][0].needs_note,
            is_primary=event == primary,
            is_danger=event in TAKES_AWAY,
        )
        for event in ORDER
        if event in found
    ]


def _moot(case: Case, actor: Actor) -> set[str]:
    """Steps that mean nothing here, so that a page need not say why they must wait."""
    mine = actor.user is not None and case.agent_id == actor.user.pk
    moot = {str(E.CLAIM if mine else E.RELEASE)}
    if not guards.needs_two_agents(case) or guards.steps_since_review(case, E.ENDORSE):
        moot.add(str(E.ENDORSE))
    return moot


def follows(event: str, case: Case) -> str:
    """What follows from a step, in a sentence."""
    return str(FOLLOWS[event]) % {
        "delist_hours": settings.POSTERN_DELIST_HOURS,
        "party_days": settings.POSTERN_PARTY_DAYS,
        "appeal_days": settings.POSTERN_APPEAL_DAYS,
        "next_level": min(case.level + 1, HIGHEST),
    }


def seen_of(case: Case) -> str:
    """What a form carries of the case as its reader saw it."""
    return f"{case.state}@{case.state_since.isoformat()}"


def take(case: Case, event: str, actor: Actor, *, seen: str, note: str, key: str) -> Entry:
    """Take a step on a case that still stands as the agent saw it.

    Idempotent by ``key``.  Raises ``MovedOn`` if the state has changed since,
    and as ``actions.take_step``.
    """
    with transaction.atomic():
        locked = Case.objects.select_for_update().get(pk=case.pk)
        is_retry = locked.entries.filter(key=key, event=event).exists()
        if not is_retry and seen != seen_of(locked):
            raise MovedOn(_moved_on(locked))
        return actions.take_step(locked, event, actor, note=note, key=key)


def _moved_on(case: Case) -> str:
    last = case.entries.exclude(source=F("target")).select_related("user").last()
    who = str(last.user or last.get_role_display()) if last else "–"
    return _(
        "This case has moved on since you opened the page: it is now “%(state)s” "
        "(%(who)s, %(moment)s). Nothing was done. Read it again before you take a step."
    ) % {
        "state": State(case.state).label,
        "who": who,
        "moment": moments.short(case.state_since),
    }


# -- Many at once --------------------------------------------------------------------


@dataclass(slots=True)
class Report:
    """What became of a step on many cases: each one is in one of the lists."""

    label: str
    done: list[Case] = field(default_factory=list)
    refused: list[tuple[str, Case | None, str]] = field(default_factory=list)


def take_each(chosen: Sequence[str], event: str, actor: Actor, *, note: str, key: str) -> Report:
    """Take the step on each chosen case by itself and report on every one.

    ``chosen`` are ``<number>:<seen>``.  A refusal stops nothing but its own
    case.  A second call with the same ``key`` does nothing twice.
    """
    report = Report(label=str(Event(event).label))
    asked = dict(_read(choice) for choice in chosen[:MOST])
    cases = Case.objects.visible_to(actor).select_related("agent").in_bulk(list(asked))
    for number, seen in asked.items():
        case = cases.get(number)
        if case is None:
            report.refused.append((f"#{number}", None, _("There is no such case.")))
            continue
        try:
            _leave_others(case, event, actor)
            take(case, event, actor, seen=seen, note=note, key=f"{key}:{event}:{number}")
        except Refused as refusal:
            report.refused.append((str(case), case, refusal.message))
        else:
            report.done.append(case)
    return report


def _read(choice: str) -> tuple[int, str]:
    number, _sep, seen = choice.partition(":")
    plain = number.isascii() and number.isdigit() and len(number) < 19
    return (int(number) if plain else 0), seen


def _leave_others(case: Case, event: str, actor: Actor) -> None:
    mine = actor.user is not None and case.agent_id == actor.user.pk
    if case.agent is None or mine or event == Event.CLAIM:
        return
    raise HeldByAnother(
        _("%(agent)s has this case: open it to act beside them, or take it over first.")
        % {"agent": case.agent}
    )
