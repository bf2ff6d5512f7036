"""Whether the list comes out, and whether every sink serves it."""

from datetime import timedelta

from django.utils.translation import gettext as _

from listings import publishing
from listings.models import Publication

LATE = timedelta(minutes=10)


def publications() -> str:
    """Held, or a sink that lags: in words, "" when all is well."""
    held = Publication.objects.held().order_by("-serial").first()
    if held is not None:
        return _("The list is held at serial %(serial)d: %(why)s") % {
            "serial": held.serial,
            "why": held.held_why,
        }
    if lagging := publishing.behind(LATE):
        return _("Not proved within 10 minutes by: %(sinks)s.") % {"sinks": ", ".join(lagging)}
    return ""
