"""An incident as its tenant is told of it: where it stands, whose turn it is, what has happened.

Pure: from the state and the history to what a page shows.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from abuse.kinds import Strength
from abuse.lifecycle import TELLS_TENANT, Event, State
from abuse.models import Incident, IncidentEntry
from escalation import moments
from escalation.actors import CUSTOMER
from escalation.errors import type_of_text
from escalation.standing import Station, Turn

# Notes that are written for the tenant, or by it; all others stay at the desk.
NOTE_IS_TOLD: Final = TELLS_TENANT | {Event.ANSWER, Event.APPEAL}
LINE: Final = (
    frozenset({State.OPEN}),
    frozenset({State.WARNED}),
    frozenset({State.ASKED}),
    frozenset({State.ANSWERED}),
    frozenset({State.RESTRICTED}),
)
SAID: Final[dict[str, type_of_text]] = {
    Event.WARN: gettext_lazy("You were warned"),
    Event.ASK: gettext_lazy("A statement was asked for"),
    Event.ANSWER: gettext_lazy("You gave a statement"),
    Event.RESTRICT: gettext_lazy("Your sending was restricted"),
    Event.APPEAL: gettext_lazy("You appealed"),
    Event.UPHOLD: gettext_lazy("The restriction was upheld"),
    Event.RELEASE: gettext_lazy("The restriction was lifted"),
    Event.RESOLVE: gettext_lazy("The incident was resolved"),
    Event.DISMISS: gettext_lazy("The incident was dismissed: there was nothing in it"),
    Event.REOPEN: gettext_lazy("The incident was opened again"),
}
STRENGTHS: Final[dict[str, type_of_text]] = {
    Strength.A1: gettext_lazy("signed by you, whole"),
    Strength.A2: gettext_lazy("its headers are signed by you"),
    Strength.B: gettext_lazy("carries our own mark for your mail"),
    Strength.C: gettext_lazy("a trusted reporter took it from your address"),
    Strength.D: gettext_lazy("only the reporter says so"),
}


def _labels() -> tuple[str, ...]:
    return (
        _("Reports are counted"), _("Warned"), _("Statement asked for"), _("Desk decides"),
        _("Restricted"),
    )  # fmt: skip


def line(incident: Incident, entries: Sequence[IncidentEntry]) -> list[Station]:
    """The stations of ``incident``: what is done, where it stands, how far it may yet go."""
    here = next((n for n, states in enumerate(LINE) if incident.state in states), None)
    left = _left_at(entries)
    stations = [_station(_("Reported"), incident.opened_at, "done")]
    for number, label in enumerate(_labels()):
        if number == here:
            now = _station(label, incident.state_since, "now", turn(incident)["party"])
            stations.append(now)
        elif number in left and (here is None or number < here):
            stations.append(_station(label, left[number], "done"))
    if here is None:
        stations.append(_station(State(incident.state).label, incident.state_since, "done"))
    else:
        stations.append(_station(_("Ended"), None, "later"))
    return stations


def _left_at(entries: Sequence[IncidentEntry]) -> dict[int, datetime]:
    """When the incident last left each station."""
    return {
        number: entry.happened_at
        for entry in entries
        if entry.changed_state
        for number, states in enumerate(LINE)
        if entry.source in states
    }


def _station(label: Any, when: datetime | None, state: str, party: str = "") -> Station:
    return Station(label=str(label), when=when, state=state, party=party)


def turn(incident: Incident) -> Turn:
    """Whose turn it is, and what is asked of the tenant now."""
    party, text, small = _asked(incident)
    return Turn(
        party=party, yours=party == "customer", text=text, since=incident.state_since, small=small
    )


def _asked(incident: Incident) -> tuple[str, str, str]:
    match incident.state:
        case State.OPEN:
            small = _("Look at the reports: what you stop now goes no further.")
            return "nobody", _("Nothing is asked of you yet"), small
        case State.WARNED:
            small = _(
                "Find what sends it, and stop it. You may tell the desk what you did. After two "
                "weeks without reports this ends."
            )
            return "customer", _("Your turn"), small
        case State.ASKED:
            return "customer", _("Your turn"), _statement(incident.answer_until)
        case State.ANSWERED:
            return "desk", _("Waiting for the desk"), _("It reads your statement.")
        case State.RESTRICTED if incident.appealed_at:
            small = _("It judges your appeal. Until then your sending is restricted.")
            return "desk", _("Waiting for the desk"), small
        case State.RESTRICTED:
            small = _("Your sending is restricted. Appeal: say what has changed, or what is wrong.")
            return "customer", _("Your turn"), small
        case State.DISMISSED:
            return "nobody", _("This has ended: there was nothing in it"), ""
    return "nobody", _("This has ended"), ""


def _statement(answer_until: datetime | None) -> str:
    if answer_until is None:
        return _("The desk asked for your statement, and its time has passed. Give it now.")
    until = moments.exact(answer_until)
    return _("The desk asks for your statement. It is due by this time: %s.") % until


def history(entries: Sequence[IncidentEntry]) -> list[dict[str, Any]]:
    """The steps as the tenant may know them: who took them, and the notes meant for its eyes."""
    return [
        {
            "event": entry.event,
            "said": SAID[entry.event],
            "happened_at": entry.happened_at,
            "by": str(entry.user) if entry.role in CUSTOMER and entry.user else _("The desk"),
            "party": "customer" if entry.role in CUSTOMER else "desk",
            "note": entry.note if entry.event in NOTE_IS_TOLD else "",
        }
        for entry in entries
    ]
