"""What must never be listed, as the operator says it at the desk."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from escalation import prefixes
from escalation.prefixes import Prefix


class ProtectedQuerySet(models.QuerySet["Protected"]):
    def live(self) -> "ProtectedQuerySet":
        return self.filter(ended_at=None)

    def touching(self, prefix: Prefix) -> "ProtectedQuerySet":
        """Rows that share an address with ``prefix``: over it, or inside it."""
        first, last = prefixes.keys(prefix)
        inside = Q(first__gte=first, first__lte=last, family=prefix.version)
        return self.filter(Q(prefix__in=prefixes.covering(prefix)) | inside)


class Protected(models.Model):
    """A prefix that no listing may touch; ended rows stay as history."""

    class Kind(models.TextChoices):
        OWN = "own", _("our own")
        TENANT = "tenant", _("a tenant's")
        RECEIVER = "receiver", _("a big receiver's")
        INFRASTRUCTURE = "infrastructure", _("infrastructure")

    prefix = models.CharField(_("prefix"), max_length=49)
    family = models.PositiveSmallIntegerField(editable=False)
    first = models.CharField(max_length=32, editable=False)
    length = models.PositiveSmallIntegerField(editable=False)
    kind = models.CharField(_("whose"), max_length=20, choices=Kind.choices, default=Kind.OWN)
    tenant = models.ForeignKey(
        "customers.Tenant", models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("tenant"),
    )  # fmt: skip
    note = models.CharField(_("note"), max_length=200, blank=True, help_text=_("where it is from"))
    added_by = models.ForeignKey(
        "customers.User", models.PROTECT, null=True, editable=False, related_name="+"
    )
    added_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, editable=False)

    objects = ProtectedQuerySet.as_manager()

    class Meta:
        verbose_name = _("protected prefix")
        verbose_name_plural = _("protected prefixes")
        constraints = [
            models.UniqueConstraint(
                fields=["prefix"], condition=Q(ended_at=None), name="listings_one_protection"
            )
        ]
        indexes = [
            models.Index(
                fields=["family", "first"],
                condition=Q(ended_at=None),
                name="listings_protected_order",
            )
        ]

    def __str__(self) -> str:
        return prefixes.shown(prefixes.parse_prefix(self.prefix))
