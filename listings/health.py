"""Whether the list comes out, and whether every sink serves it."""

from django.utils.translation import gettext as _

from escalation.health import Fine
from listings import lateness
from listings.models import Publication


def publications() -> str:
    """Held: in words, "" when all is well."""
    held = Publication.objects.held().order_by("-serial").first()
    if held is not None:
        return _("The list is held at serial %(serial)d: %(why)s") % {
            "serial": held.serial,
            "why": held.held_why,
        }
    return ""


def sinks() -> str:
    """Every enabled sink that lags or is silent; else the serial and lag of each."""
    found = lateness.standings()
    if troubles := [words for standing in found if (words := standing.words())]:
        return " ".join(troubles)
    told = [
        _("%(sink)s: serial %(serial)s, %(lag)d s behind")
        % {"sink": one.sink, "serial": one.serial or "–", "lag": one.lag.total_seconds()}
        for one in found
    ]
    return Fine("; ".join(told))
