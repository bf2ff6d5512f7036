"""Sinks that fall behind, or stop asking: in words, for the desk, the monitor and a letter."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from listings import queries
from listings.models import Fetch, Publication, Sink
from mailroom import alerts

SILENT = timedelta(minutes=30)  # a sink that fetches by itself asks at least every 5 to 20 minutes


@dataclass(frozen=True, slots=True)
class Standing:
    """How an enabled sink stands: ``serial`` is the latest that it has proved.

    ``behind_since`` is when the first serial came out that it owes a receipt
    for; ``asked_at`` when it last asked, for one with a token.
    """

    sink: Sink
    serial: int | None
    newest: int | None
    behind_since: datetime | None
    asked_at: datetime | None

    @property
    def lag(self) -> timedelta:
        return timezone.now() - self.behind_since if self.behind_since else timedelta()

    @property
    def is_late(self) -> bool:
        return self.lag > timedelta(minutes=self.sink.late_minutes)

    @property
    def is_silent(self) -> bool:
        """Whether a sink with a token has stopped asking."""
        if not self.sink.token_digest:
            return False
        last = self.asked_at or self.sink.token_made_at
        patience = max(SILENT, timedelta(minutes=self.sink.late_minutes))
        return last is not None and timezone.now() - last > patience

    def words(self) -> str:
        """What is wrong, as a sentence; "" when nothing is."""
        names = {
            "sink": self.sink,
            "serial": self.serial or "–",
            "newest": self.newest,
            "since": _moment(self.behind_since),
            "asked": _moment(self.asked_at),
        }
        if self.is_late:
            return (
                _(
                    "%(sink)s has proved serial %(serial)s; it has owed a receipt since %(since)s "
                    "(the list is at serial %(newest)s)."
                )
                % names
            )
        if self.is_silent:
            return _("%(sink)s has stopped asking for the list. It last asked: %(asked)s.") % names
        return ""


def _moment(moment: datetime | None) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S %Z}" if moment else "–"


def standings() -> list[Standing]:
    """Every enabled sink; a constant number of queries and one for each sink that is behind."""
    newest = Publication.objects.published().order_by("-serial").first()
    latest = Fetch.objects.filter(sink=OuterRef("pk")).order_by("-asked_at")
    rows = queries.with_proved(Sink.objects.filter(enabled=True)).order_by("name")
    return [
        Standing(
            sink=sink,
            serial=sink.proved,
            newest=newest.serial if newest else None,
            behind_since=_behind_since(sink, sink.proved, newest),
            asked_at=sink.asked,
        )
        for sink in rows.annotate(asked=Subquery(latest.values("asked_at")[:1]))
    ]


def _behind_since(sink: Sink, proved: int | None, newest: Publication | None) -> datetime | None:
    if newest is None or (proved or 0) >= newest.serial:
        return None
    if proved is None:  # a new one: it owes what has come out since it was asked
        return sink.trouble_since or newest.published_at
    owed = Publication.objects.published().filter(serial__gt=proved).order_by("serial")
    return owed.values_list("published_at", flat=True).first()


def tell() -> None:
    """Write to the operator, once for each time that a sink falls behind or silent."""
    for standing in standings():
        if not (words := standing.words()):
            continue
        since = standing.behind_since if standing.is_late else standing.asked_at
        what = "late" if standing.is_late else "silent"
        stamp = since.timestamp() if since else 0
        alerts.alert(
            f"sink-{what}:{standing.sink.pk}:{stamp:.0f}",
            _("The sink %(sink)s does not follow the list") % {"sink": standing.sink},
            _(
                "%(words)s\nIt says: %(trouble)s\n\nCases whose removal it has not proved wait for "
                "it; everything else goes on. See the sinks at the desk, and docs/operate/."
            )
            % {"words": words, "trouble": standing.sink.trouble or "–"},
        )
