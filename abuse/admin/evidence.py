"""What the desk shows of reports and incidents; every part of it up to a bound."""

from collections.abc import Iterable
from typing import Any, Final

from django.utils.dateparse import parse_datetime

from abuse.kinds import PROVED, REASONS, Strength
from abuse.lifecycle import Event, State
from abuse.models import Incident, Report, Step

SHOWN: Final = 20  # reports of an incident
SHOWN_TEXT: Final = 6000  # characters of a message on the page of an incident
SHOWN_ENTRIES: Final = 50  # of the history
SHOWN_CALLS: Final = 10  # of the hook
TENANTS_WORDS: Final = (Event.ANSWER, Event.APPEAL)


def reports(incident: Incident) -> list[dict[str, Any]]:
    """The newest reports that were counted on it, or came from somebody who was."""
    rows = Report.objects.filter(incident=incident).select_related("enrolled")
    return [shown(row, SHOWN_TEXT) for row in rows.order_by("-pk")[:SHOWN]]


def shown(report: Report, most: int) -> dict[str, Any]:
    """A report with its codes in words, and the first ``most`` characters of the message."""
    facts = report.facts
    assigned = facts.get("assigned")
    return {
        "report": report,
        "is_proved": report.strength in PROVED,
        "why": [REASONS.get(code, code) for code in report.why],
        "verified": [
            {"domain": domain, "selector": selector, "level": _strength(level)}
            for domain, selector, level in facts.get("verified", ())
        ],
        "signatures": [f"{s}._domainkey.{d}" for d, s in facts.get("signatures", ())],
        "hops": facts.get("hops", ()),
        "user_agent": facts.get("user_agent", ""),
        "assigned": assigned and {**assigned, "at": parse_datetime(assigned["at"])},
        "text": report.evidence[:most],
        "n_left_out": max(0, len(report.evidence) - most),
    }


def _strength(level: str) -> str:
    return str(Strength(level).label) if level in Strength.values else level


def thresholds(incident: Incident) -> list[dict[str, Any]]:
    """For each step: the row that counts, the numbers of its days, and whether they reach it."""
    found = []
    for step in Step:
        rule = incident.threshold(step)
        heard = incident.heard(rule.window_days) if rule else None
        found.append(
            {
                "label": step.label,
                "rule": rule,
                "heard": heard,
                "by_rate": bool(rule and heard and rule.per_1000 and heard.per_1000 is not None),
                "is_reached": bool(rule and heard and rule.is_reached(heard)),
            }
        )
    return found


def history(incident: Incident) -> tuple[list[dict[str, Any]], bool]:
    """The latest steps with who took them, and whether there are earlier ones."""
    entries = incident.entries.select_related("user").order_by("-pk")[: SHOWN_ENTRIES + 1]
    found = _named(entries)
    return found[:SHOWN_ENTRIES], len(found) > SHOWN_ENTRIES


def tenants_words(incident: Incident) -> list[dict[str, Any]]:
    """The latest statement and the latest appeal, in the order in which they came."""
    found = incident.entries.filter(event__in=TENANTS_WORDS).select_related("user")
    latest = {entry.event: entry for entry in found.order_by("-pk")[:SHOWN_ENTRIES][::-1]}
    return _named(sorted(latest.values(), key=lambda entry: entry.pk))


def _named(entries: Iterable[Any]) -> list[dict[str, Any]]:
    return [
        {
            "entry": entry,
            "event": Event(entry.event).label,
            "source": State(entry.source).label,
            "target": State(entry.target).label,
        }
        for entry in entries
    ]
