"""A report as its tenant may have it: without the reporter, as a file."""

from django.utils.translation import gettext as _

from abuse import arf
from abuse.models import Report
from mailroom import outgoing


def eml(report: Report) -> bytes:
    """The report in the form of RFC 5965, redacted; the same at every call in one language."""
    part = arf.copy(report)
    return outgoing.file(
        _("A copy of a report"),
        _("A copy of a report about mail of yours. Whoever reported it is left out."),
        key=f"copy:{report.pk}",
        at=report.read_at,
        feedback=part.fields,
        enclosed=part.enclosed,
    )
