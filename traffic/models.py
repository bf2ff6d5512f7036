"""What the mail servers' logs tell: who came, to whom, and whether we let them in."""

from datetime import date

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models import Tenant
from escalation import prefixes
from escalation.actors import Actor, Role
from escalation.prefixes import Prefix

STAFF = frozenset({Role.AGENT, Role.DESK})


class TallyQuerySet(models.QuerySet["Tally"]):
    def visible_to(self, actor: Actor) -> "TallyQuerySet":
        """Mail to the actor's own domains; all of it for staff.  The wall between tenants."""
        if actor.role in STAFF:
            return self.all()
        if actor.tenant_id is None:
            return self.none()
        return self.filter(recipient_domain__in=_domains(actor.tenant_id))

    def refused(self) -> "TallyQuerySet":
        return self.filter(refused__gt=0)

    def since(self, day: date) -> "TallyQuerySet":
        return self.filter(day__gte=day)

    def within(self, prefix: Prefix) -> "TallyQuerySet":
        """Mail from the addresses of ``prefix``."""
        first, last = prefixes.keys(prefix)
        return self.filter(address__gte=first, address__lte=last)


def _domains(tenant_id: int) -> list[str]:
    domains = Tenant.objects.filter(pk=tenant_id).values_list("domains__name", flat=True)
    return [name for name in domains if name]


class Tally(models.Model):
    """What one client address brought for one recipient domain on one day (UTC).

    ``address`` is a key (``escalation.prefixes.key``).  ``sender`` and
    ``recipient`` are those of the last mail refused, as the envelope had them.
    """

    day = models.DateField(_("day"))
    address = models.CharField(max_length=32)
    recipient_domain = models.CharField(_("recipient's domain"), max_length=253)
    accepted = models.PositiveBigIntegerField(_("accepted"), default=0)
    refused = models.PositiveBigIntegerField(_("refused"), default=0)
    first_refused_at = models.DateTimeField(_("first refused"), null=True)
    last_refused_at = models.DateTimeField(_("last refused"), null=True)
    sender = models.CharField(_("sender"), max_length=320, blank=True)
    recipient = models.CharField(_("recipient"), max_length=320, blank=True)

    objects = TallyQuerySet.as_manager()

    class Meta:
        verbose_name = _("tally")
        verbose_name_plural = _("tallies")
        constraints = [
            models.UniqueConstraint(
                fields=["address", "recipient_domain", "day"], name="traffic_one_tally"
            )
        ]
        indexes = [
            models.Index(
                fields=["recipient_domain", "day"],
                condition=Q(refused__gt=0),
                name="traffic_refused_of_a_domain",
            ),
            models.Index(
                fields=["address", "last_refused_at"],
                condition=Q(refused__gt=0),
                name="traffic_refused_of_a_range",
            ),
            models.Index(fields=["day"], name="traffic_old_tallies"),
        ]

    def __str__(self) -> str:
        return f"{self.shown} → {self.recipient_domain}, {self.day}"

    @property
    def shown(self) -> str:
        """The client's address as people write it."""
        return str(prefixes.from_key(self.address))


class LogFile(models.Model):
    """How far a log has been read.  A log is known by its first line, wherever it lies.

    ``offset`` counts bytes (of the text, where the file is compressed);
    ``tail_digest`` is of the last bytes before it.  The row changes in the
    transaction that counts what was read.
    """

    fingerprint = models.CharField(max_length=64, unique=True)
    path = models.CharField(_("path"), max_length=500)
    offset = models.PositiveBigIntegerField(_("read up to"), default=0)
    tail_digest = models.CharField(max_length=64, blank=True)
    read_at = models.DateTimeField(_("last read"), default=timezone.now)

    class Meta:
        verbose_name = _("log")
        verbose_name_plural = _("logs")

    def __str__(self) -> str:
        return self.path
