"""What pages and programs read of the abuse desk: bounded, and in a constant number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.db.models import Count, Q
from django.utils import timezone

from abuse.kinds import Filed
from abuse.lifecycle import State
from abuse.models import Incident, Report, Voice
from abuse.models.reports import ReportQuerySet
from customers.models import Tenant
from escalation.actors import Actor

DAYS: Final = 30  # of a chart
# What a tenant is told of; the rest is the desk's mail.
TOLD: Final = (
    Filed.COUNTED, Filed.SAME_REPORTER, Filed.DUPLICATE, Filed.NOT_JUNK, Filed.UNSUBSCRIBE,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Day:
    """Voices of one day (UTC): that the evidence stands behind, and that nothing proves."""

    day: date
    proved: int
    claims: int


def days(*, incident: Incident | None = None, tenant: Tenant | None = None) -> list[Day]:
    """The last 30 days of an incident, or of all of a tenant's, the oldest first.  One query."""
    today = timezone.now().date()
    span = [today - timedelta(days=n) for n in reversed(range(DAYS))]
    voices = Voice.objects.filter(day__gte=span[0])
    if incident is not None:
        voices = voices.filter(incident=incident)
    if tenant is not None:
        voices = voices.filter(tenant=tenant)
    counts = voices.values("day").annotate(
        proved=Count("pk", filter=Q(is_proved=True)), claims=Count("pk", filter=Q(is_proved=False))
    )
    found = {row["day"]: (row["proved"], row["claims"]) for row in counts.order_by("day")}
    return [Day(day, *found.get(day, (0, 0))) for day in span]


def told(actor: Actor) -> ReportQuerySet:
    """The reports that whoever acts for a tenant may know of."""
    return Report.objects.visible_to(actor).filter(filed__in=TOLD)


def narrowed(
    reports: ReportQuerySet, *, kind: str = "", strengths: Iterable[str] = ()
) -> ReportQuerySet:
    """Those of one class and of some strengths; without either, all."""
    if kind:
        reports = reports.filter(feedback_class=kind)
    if strengths:
        reports = reports.filter(strength__in=list(strengths))
    return reports


def waits_for(actor: Actor) -> bool:
    """Whether the desk waits for a word of the actor's, or keeps their mail back."""
    mine = Incident.objects.visible_to(actor)
    return mine.filter(state__in=[State.ASKED, State.RESTRICTED]).exists()
