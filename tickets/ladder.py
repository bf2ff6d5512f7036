"""Escalation: clocks that run while a party has the ball, and the levels they raise.

Rules are rows (``LadderRule``).  Each firing is one entry with the key
``clock:<clock>:<level>``, so it happens once however often a sweep runs.
"""

from datetime import datetime, timedelta

from django.conf import settings

from customers.models import User
from escalation import owed
from tickets import calendar, emails
from tickets.lifecycle import Party
from tickets.models import Case, Clock, Entry, LadderRule

JUDGING = 2  # the level whose agents may decide without the owner

A_DAYS_WORK = 8  # office hours, where no rule says when a case rises

OFFICE = calendar.read(settings.POSTERN_OFFICE_HOURS, settings.TIME_ZONE, settings.POSTERN_HOLIDAYS)


def start_clock(case: Case, party: Party, now: datetime) -> None:
    """Stop the running clock of ``case`` and start the one of ``party``; nobody's has none."""
    for clock in case.clocks.filter(stopped_at=None):
        Clock.objects.filter(pk=clock.pk).update(stopped_at=now)
        owed.owe_nothing(clock)
    if party != Party.NOBODY:
        clock = Clock.objects.create(case=case, party=party, started_at=now)
        Clock.objects.filter(pk=clock.pk).update(due_at=_next_firing(clock, case.level))


def rules_for(party: str, level: int) -> list[LadderRule]:
    return list(LadderRule.objects.filter(party=party, level__gt=level).order_by("level"))


def fire_at(rule: LadderRule, started_at: datetime) -> datetime:
    """When ``rule`` fires for a clock that began at ``started_at``."""
    if rule.office_hours:
        return OFFICE.add_hours(started_at, rule.hours)
    return started_at + timedelta(hours=rule.hours)


def _next_firing(clock: Clock, level: int) -> datetime | None:
    moments = [fire_at(rule, clock.started_at) for rule in rules_for(clock.party, level)]
    return min(moments, default=None)


def answer_by(case: Case, now: datetime) -> datetime:
    """When whoever has the ball should have acted: before it rises, or within a day's work."""
    clock = case.clocks.filter(stopped_at=None).first()
    rises = _next_firing(clock, case.level) if clock else None
    return rises if rises is not None and rises > now else OFFICE.add_hours(now, A_DAYS_WORK)


def due_rule(clock: Clock, level: int, now: datetime) -> LadderRule | None:
    """The highest rule whose time has come for a clock of a case at ``level``."""
    rules = rules_for(clock.party, level)
    ripe = [rule for rule in rules if fire_at(rule, clock.started_at) <= now]
    return ripe[-1] if ripe else None


def following(clock: Clock, level: int) -> datetime | None:
    """When the clock is to be looked at again, once the case stands at ``level``."""
    return _next_firing(clock, level)


def tell_level(case: Case, entry: Entry) -> None:
    """Write to the agents of the level that the case has risen to."""
    agents = User.objects.filter(is_staff=True, is_active=True, level__gte=max(case.level, 1))
    for agent in agents.order_by("pk")[:20]:
        emails.risen(case, entry, agent)
