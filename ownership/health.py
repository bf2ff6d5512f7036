"""Whether the registries can be found: the named check behind ``/healthz/``."""

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from escalation.health import Caution
from ownership import configured, lookups

LATE = timedelta(hours=30)  # the tables are refreshed daily


def bootstrap() -> str:
    """Whether IANA's tables are fresh enough to write letters by (48 hours)."""
    if not configured.needs_bootstrap():
        return ""
    tables = lookups.stored_bootstrap()
    age = tables.age(timezone.now())
    if age is None:
        return Caution(_("IANA’s tables have not been fetched yet: no owner is written to."))
    if not tables.fit_for_sending(timezone.now()):
        return _("IANA’s tables are older than two days: no owner is written to.")
    return Caution(_("IANA’s tables were not refreshed today.")) if age > LATE else ""
