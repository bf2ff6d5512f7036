"""How many were heard on each of the last days: bars that the server draws, as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils.dateformat import format as date_format
from django.utils.formats import get_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from abuse.queries import Day

STEP: Final = 10  # units from one day to the next
HEIGHT: Final = 80  # units
LEAST: Final = 4  # voices that fill the height when no day has more: one report is no wall


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: where its two parts stand, in units of the drawing, and what it says."""

    day: Day
    x: int
    proved_y: int
    proved_height: int
    claims_y: int
    claims_height: int
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars for ``abuse/chart.html``; ``summary`` says the same in one sentence."""

    bars: list[Bar]
    width: int
    height: int
    first: date
    last: date
    summary: str

    @property
    def told(self) -> list[Bar]:
        """The days on which anybody was heard: for those who do not see the bars."""
        return [bar for bar in self.bars if bar.day.proved or bar.day.claims]


def chart(days: Sequence[Day]) -> Chart:
    """The chart of ``days`` (not empty, the oldest first); its words are in the active language."""
    top = max(LEAST, *(day.proved + day.claims for day in days))
    bars = [_bar(day, number, top) for number, day in enumerate(days)]
    return Chart(bars, STEP * len(days), HEIGHT, days[0].day, days[-1].day, _summary(days))


def _bar(day: Day, number: int, top: int) -> Bar:
    proved, both = _units(day.proved, top), _units(day.proved + day.claims, top)
    said = {"day": shown(day.day), "proved": day.proved, "claims": day.claims}
    return Bar(
        day, STEP * number + 1, HEIGHT - proved, proved, HEIGHT - both, both - proved,
        _("%(day)s: %(proved)d proved, %(claims)d unproved") % said,
    )  # fmt: skip


def _units(voices: int, top: int) -> int:
    """The height for some voices; whoever was heard is seen."""
    return max(2, round(voices * HEIGHT / top)) if voices else 0


def shown(day: date) -> str:
    """The day as its month and number."""
    return date_format(day, get_format("MONTH_DAY_FORMAT"))


def _summary(days: Sequence[Day]) -> str:
    proved, claims = sum(day.proved for day in days), sum(day.claims for day in days)
    if not proved and not claims:
        return ngettext(
            "Nobody has reported anything on this %(n)d day.",
            "Nobody has reported anything in these %(n)d days.", len(days),
        ) % {"n": len(days)}  # fmt: skip
    most = max(days, key=lambda day: day.proved + day.claims)
    return _(
        "Proved: %(proved)d. Unproved: %(claims)d. Most on one day: %(most)d, on %(day)s."
    ) % {
        "proved": proved, "claims": claims, "most": most.proved + most.claims,
        "day": shown(most.day),
    }  # fmt: skip
