"""Where a case stands and whose turn it is, as agents are told: with the owner's answer."""

from django.conf import settings
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from escalation import moments
from escalation.actors import DESK, Actor
from escalation.standing import Station, Turn
from tickets import guards, stations
from tickets.lifecycle import OPEN, TURN, Party, State
from tickets.models import Case

RUNS_ITSELF = frozenset({State.GATHERING, State.DELISTING})  # the desk's turn, but a job's
STEPS_READ = 200  # latest changes of state that the stations are drawn from


def line(case: Case) -> list[Station]:
    """The stations, the present one under its own name."""
    changes = list(case.entries.exclude(source=F("target")).order_by("-pk")[:STEPS_READ])
    drawn = stations.line(case, changes[::-1], case.opened_at)
    for station in drawn:
        if station["state"] == "now":
            station["label"] = str(State(case.state).label)
    return drawn


def turn(case: Case, actor: Actor) -> Turn:
    """Whose turn it is, and what speaks for or against the next step."""
    party = TURN[case.state]
    mine = actor.user is not None and case.agent_id == actor.user.pk
    return Turn(
        party=party.value,
        yours=party == Party.DESK and mine and case.state not in RUNS_ITSELF,
        text=_whose(case, party, actor, mine),
        since=case.state_since,
        small=" ".join(words for words in (_why(case), _due(case)) if words),
    )


def _whose(case: Case, party: Party, actor: Actor, mine: bool) -> str:
    if case.state in RUNS_ITSELF:
        return _("The desk’s jobs are at work")
    if party == Party.DESK:
        if mine:
            return _("Your turn, %(agent)s") % {"agent": actor.user}
        if case.agent is not None:
            return _("%(agent)s’s turn") % {"agent": case.agent}
        return _("The desk’s turn, and nobody has this case")
    return {
        Party.CUSTOMER: _("The customer’s turn"),
        Party.SENDER: _("The sender’s turn"),
        Party.OWNER: _("The owner’s turn"),
        Party.NOBODY: _("Nobody’s turn"),
    }[party]


def _due(case: Case) -> str:
    if case.answer_by is None or case.state not in OPEN:
        return ""
    words = (
        _("Due %(moment)s.") if case.answer_by > timezone.now() else _("Overdue since %(moment)s.")
    )
    return words % {"moment": moments.short(case.answer_by)}


def _why(case: Case) -> str:
    if case.state == State.IN_REVIEW:
        return guards.owner_has_agreed(case, DESK) or _(
            "Proof of level %(level)d covers %(prefix)s, as the policy asks."
        ) % {"level": guards.level_needed(case), "prefix": case.shown_prefix}
    if case.state == State.DELISTING:
        return guards.every_sink_let_go(case, DESK)
    words = {
        State.GATHERING: _("They look up the list, the registry and the DNS."),
        State.AWAITING_OWNER: _("The ladder below says who has been asked."),
        State.OWNER_UNKNOWN: _(
            "No contact answered. Propose one, review without the owner, or refuse."
        ),
        State.OWNER_DENIED: _("The owner said no. Refuse, or ask again and say why."),
        State.AWAITING_SENDER: _("We asked the sender a question."),
        State.AWAITING_CUSTOMER: _("We asked the customers a question."),
        State.DELISTED: _("Every sink has let go. It is watched for %(days)d days.")
        % {"days": settings.POSTERN_WATCH_DAYS},
        State.REFUSED: _("An appeal is open for %(days)d days.")
        % {"days": settings.POSTERN_APPEAL_DAYS},
        State.NOT_LISTED: _("No listing of ours is in the way."),
    }
    return words.get(State(case.state), "")
