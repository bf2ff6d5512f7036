"""Office hours: when the agents' clock runs.

Pure functions over a ``Calendar``; moments are aware, hours are counted in the
operator's time zone, so that a change to summer time moves no opening hour.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST_SEARCH = 3660  # days; a calendar without any office hour ends here


@dataclass(frozen=True, slots=True)
class Calendar:
    """Office hours, the same on each of ``weekdays`` (0 is Monday)."""

    weekdays: frozenset[int]
    opens: time
    closes: time
    zone: ZoneInfo
    holidays: frozenset[date] = frozenset()

    def add_hours(self, start: datetime, hours: float) -> datetime:
        """The moment when ``hours`` of office time have passed since ``start``."""
        left = timedelta(hours=hours)
        day = start.astimezone(self.zone).date()
        for _ in range(LONGEST_SEARCH):
            opened, closed = self._hours_of(day)
            begin = max(opened, start)
            if begin < closed:
                if left <= closed - begin:
                    return begin + left
                left -= closed - begin
            day += timedelta(days=1)
        return start + timedelta(hours=hours)

    def _hours_of(self, day: date) -> tuple[datetime, datetime]:
        utc = ZoneInfo("UTC")
        opened = datetime.combine(day, self.opens, self.zone).astimezone(utc)
        if day.weekday() not in self.weekdays or day in self.holidays:
            return opened, opened
        return opened, datetime.combine(day, self.closes, self.zone).astimezone(utc)


def read(text: str, zone: str, holidays: list[str]) -> Calendar:
    """Read ``mon-fri 09:00-18:00``; raises ``ImproperlyConfigured`` with words."""
    try:
        days, hours = text.lower().split()
        first, _, last = days.partition("-")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        opens, closes = (time.fromisoformat(part) for part in hours.split("-"))
        off = frozenset(date.fromisoformat(day) for day in holidays)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"POSTERN_OFFICE_HOURS is {text!r}, POSTERN_HOLIDAYS {holidays!r}: "
            "write them as “mon-fri 09:00-18:00” and “2026-12-25 2027-01-01”."
        ) from error
    if begin > end or opens >= closes:
        raise ImproperlyConfigured(f"POSTERN_OFFICE_HOURS is {text!r}: it ends before it begins.")
    return Calendar(frozenset(range(begin, end + 1)), opens, closes, ZoneInfo(zone), off)
