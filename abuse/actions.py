"""What follows from each step of an incident: letters, the hook, the date of the next look."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from abuse import emails
from abuse.guards import QUIET
from abuse.kinds import PROVED
from abuse.lifecycle import OPEN, Event, State
from abuse.models import HookCall, Incident, IncidentEntry, Report, Step
from escalation import owed
from escalation.actors import DESK, Actor
from escalation.lifecycle import advance

AFTER = {Event.WARN: Step.WARN, Event.ASK: Step.ASK, Event.RESTRICT: Step.RESTRICT}


def take_step(
    incident: Incident, event: str, actor: Actor, *, note: str = "", key: str = ""
) -> IncidentEntry:
    """Take ``incident`` one step, with all that follows from it: one transaction.

    Raises ``NotAllowed``.
    """

    def follow(row: Incident, entry: IncidentEntry) -> None:
        _note(row, event)
        row.save(update_fields=["proposed", "answer_until", "appealed_at"])
        owed.owe_at(row, next_look(row))
        if event in {Event.RESTRICT, Event.RELEASE}:
            _call_hook(row, entry, event)
        emails.of_step(row, entry, sample(row))

    entry: IncidentEntry = advance(incident, event, actor, note=note, key=key, effect=follow)
    return entry


def _note(row: Incident, event: str) -> None:
    now = timezone.now()
    if AFTER.get(Event(event)) == row.proposed or row.state not in OPEN:
        row.proposed = ""
    if event == Event.ASK:
        row.answer_until = now + timedelta(days=settings.POSTERN_STATEMENT_DAYS)
    elif event in {Event.ANSWER, Event.RESTRICT}:
        row.answer_until = None
    if event == Event.APPEAL:
        row.appealed_at = now
    elif event in {Event.UPHOLD, Event.RELEASE}:
        row.appealed_at = None


def _call_hook(row: Incident, entry: IncidentEntry, event: str) -> None:
    """Have the operator's hook called; where there is none, the agents' list says what to do."""
    if event == Event.RELEASE:  # what was not called yet need not be
        waiting = row.hook_calls.filter(what=HookCall.What.RESTRICT, done_at=None)
        waiting.exclude(lease_until__gt=timezone.now()).update(due_at=None, parked_at=None)
    what = HookCall.What.RESTRICT if event == Event.RESTRICT else HookCall.What.RELEASE
    due_at = timezone.now() if settings.POSTERN_RESTRICT_HOOK else None
    HookCall.objects.create(key=f"{row.pk}:{entry.pk}", incident=row, what=what, due_at=due_at)


def sample(incident: Incident) -> Report | None:
    """The newest report of the incident that the evidence stands behind."""
    proved = Report.objects.filter(incident=incident, strength__in=sorted(PROVED))
    return proved.order_by("-pk").first()


def next_look(incident: Incident) -> Any:
    """When the desk looks at an incident again by itself; None once it has ended."""
    if incident.state not in OPEN or incident.state == State.RESTRICTED:
        return None
    quiet = incident.last_report_at + QUIET
    return min(quiet, incident.answer_until) if incident.answer_until else quiet


def consider(incident: Incident) -> None:
    """Do what the thresholds say, and no more: called by the sweep, for one incident."""
    with transaction.atomic():
        owed.finish(incident)
        incident.refresh_from_db(from_queryset=Incident.objects.select_for_update())
        if incident.state in OPEN:
            _by_thresholds(incident)
        owed.owe_at(incident, next_look(incident))


def _by_thresholds(incident: Incident) -> None:
    now = timezone.now()
    late = incident.answer_until is not None and incident.answer_until <= now
    if late:
        incident.answer_until = None
        incident.save(update_fields=["answer_until"])
    if incident.state == State.OPEN and incident.is_due(Step.WARN):
        take_step(incident, Event.WARN, DESK)
    if incident.state in {State.OPEN, State.WARNED} and incident.is_due(Step.ASK):
        take_step(incident, Event.ASK, DESK)
    may_restrict = incident.state in {State.WARNED, State.ASKED, State.ANSWERED}
    if may_restrict and incident.is_due(Step.RESTRICT):
        note = _("The threshold for restricting was reached.")
        take_step(incident, Event.RESTRICT, DESK, note=note)
    elif step := Step.RESTRICT if late else _hardest(incident):
        _propose(incident, step)
    if incident.state in OPEN - {State.RESTRICTED} and now - incident.last_report_at >= QUIET:
        take_step(incident, Event.RESOLVE, DESK, note=_("No report has come for two weeks."))


# From the hardest; and the states from which each leads on.
PROPOSED = (
    (Step.RESTRICT, frozenset({State.OPEN, State.WARNED, State.ASKED, State.ANSWERED})),
    (Step.ASK, frozenset({State.OPEN, State.WARNED})),
    (Step.WARN, frozenset({State.OPEN})),
)


def _hardest(incident: Incident) -> Step | None:
    """The hardest step that is reached and still ahead, but is left to an agent."""
    return next(
        (
            step
            for step, states in PROPOSED
            if incident.state in states and incident.has_reached(step)
        ),
        None,
    )


def _propose(incident: Incident, step: str) -> None:
    """Leave to an agent what does not happen by itself."""
    if incident.proposed != step:
        incident.proposed = step
        incident.save(update_fields=["proposed"])
