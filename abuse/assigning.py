"""A report that is ours, but nobody knew whose: an agent says which tenant's mail it was.

It then counts as it would have when it came in: the same voices, the same duplicates.  How surely
the mail was ours stays as it was; only whose it was has been said by hand, and by whom.
"""

from typing import Any, Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from abuse.attribution import Attribution, Evidence
from abuse.filing import Item, fingerprints, settle
from abuse.kinds import MAKES_INCIDENT, Filed
from abuse.models import Report
from abuse.readings import Read
from customers.models import Tenant
from escalation import owed, queue
from escalation.actors import Actor
from escalation.errors import Refused
from mailroom.recipients import domain_name

LONGEST_NOTE: Final = 500  # characters
# What only the message itself could tell again: it makes no duplicate here.
UNTOLD: Final[dict[str, Any]] = {
    "outer": {"message_id": ""},
    "reading": {"report_id": "", "feedback": {"original_rcpt_to": []}},
}


class NotAssignable(Refused):
    """The report has its place already."""

    code = "report-not-assignable"
    title = gettext_lazy("This report cannot be assigned")


class NoSuchTenant(Refused):
    """Nobody has that name or that domain."""

    code = "no-such-tenant"
    status = 422
    title = gettext_lazy("There is no such tenant")


def tenant_named(text: str) -> Tenant:
    """The tenant with that domain, or of exactly that name.  Raises ``NoSuchTenant``."""
    name = text.replace("\0", "").strip()
    domain = domain_name(name.rstrip("."))
    owns = Q(domains__name=domain) if domain else Q(pk__in=[])
    # A domain says more than a name that looks like one.
    found = Tenant.objects.filter(owns).first() or Tenant.objects.filter(name=name).first()
    if found is None:
        raise NoSuchTenant(
            _("No tenant has this domain or name: %s. Write one of its domains, or its whole name.")
            % name[:100]
        )
    return found


def assign(report: Report, tenant: Tenant, actor: Actor, note: str) -> Report:
    """Give ``report`` to ``tenant`` and count it: one transaction.

    Returns the report as it is now: counted, or a duplicate of one that was, or from a reporter
    who was counted today.  Raises ``NotAssignable`` for any but those that are ours and nobody's.
    """
    with transaction.atomic():
        Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)  # as ``filing`` does
        rows = Report.objects.select_related("received", "enrolled")
        row = rows.select_for_update(of=("self",)).get(pk=report.pk)
        if row.filed != Filed.NO_TENANT or row.feedback_class not in MAKES_INCIDENT:
            raise NotAssignable(
                _("Only reports about our own mail that no tenant is known for can be assigned.")
            )
        row.tenant, row.filed = tenant, Filed.COUNTED
        row.closed_at, row.closed_by = None, ""  # it waits for nobody any more
        row.facts = {**row.facts, "assigned": _said(actor, note)}
        _file(row)
        row.save()
        if row.filed != Filed.DUPLICATE:  # its reporter may hear of it, and the feedback loops
            owed.owe(row)
            queue.nudge("answers")
    return row


def _said(actor: Actor, note: str) -> dict[str, str]:
    """Who said whose mail it was, kept as long as the other facts."""
    return {
        "by": str(actor.person()),
        "at": timezone.now().isoformat(),
        "note": note.strip()[:LONGEST_NOTE],
    }


def _file(row: Report) -> None:
    """Count the report as if it were read now."""
    found = Attribution(row.strength, tuple(row.why), row.tenant_id, row.enrolled)
    evidence = Evidence(enclosed={}, source=None, at=row.arrived_at or row.read_at)
    item = Item(Read(row.received, UNTOLD, found, evidence), row)
    item.keys = fingerprints(item)
    settle([item])
