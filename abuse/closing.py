"""What is left to agents: they deal with it, and close it; the list of what waits is theirs.

Mail that is no report, junk that was none, and reports that are ours and nobody's.
"""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from abuse.kinds import FOR_AGENTS
from abuse.models import Report
from escalation.actors import Actor
from escalation.errors import Refused


class NotForAgents(Refused):
    """The report takes its way without an agent."""

    code = "report-not-for-agents"
    title = gettext_lazy("This report is not left to agents")


def close(report: Report, actor: Actor) -> None:
    """An agent has dealt with it; whoever closed it first stays.  Raises ``NotForAgents``."""
    with transaction.atomic():
        row = _left_to_agents(report)
        if row.closed_at is None:
            row.closed_at, row.closed_by = timezone.now(), str(actor.person())[:150]
            row.save(update_fields=["closed_at", "closed_by"])


def open_again(report: Report) -> None:
    """It waits for an agent once more.  Raises ``NotForAgents``."""
    with transaction.atomic():
        row = _left_to_agents(report)
        row.closed_at, row.closed_by = None, ""
        row.save(update_fields=["closed_at", "closed_by"])


def _left_to_agents(report: Report) -> Report:
    row = Report.objects.select_for_update().get(pk=report.pk)
    if row.filed not in FOR_AGENTS:
        raise NotForAgents(_("Only what waits for an agent can be closed and opened again."))
    return row
