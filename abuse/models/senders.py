"""What is ours, and since when: keys that sign, ranges that send; who reports, who wants copies."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models import Tenant
from escalation import prefixes
from escalation.actors import Actor, Role
from escalation.errors import Refused
from escalation.prefixes import Address
from mailroom.recipients import domain_name

STAFF = frozenset({Role.AGENT, Role.DESK})


def _named(name: str) -> str:
    """A domain in its one form; raises ``ValidationError`` with words."""
    if found := domain_name(name.strip().rstrip(".")):
        return found
    raise ValidationError({"domain": _("This is no domain name: write it as clinic.example.")})


class Dated(models.Model):
    """What was so from one day to another; null means still."""

    valid_from = models.DateTimeField(_("valid from"), default=timezone.now)
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)

    class Meta:
        abstract = True

    def was_valid(self, at: datetime) -> bool:
        return self.valid_from <= at and (self.valid_until is None or at < self.valid_until)


class SigningKey(Dated):
    """A public key that signs mail of a tenant or of ours (RFC 6376, section 3.6.1).

    Kept for good: mail that was signed by a key is reported after the key has left the DNS.
    ``record`` is the TXT record as it was published.
    """

    tenant = models.ForeignKey(
        Tenant, models.CASCADE, null=True, blank=True, related_name="signing_keys",
        verbose_name=_("tenant"), help_text=_("empty: ours, for the mail of every tenant"),
    )  # fmt: skip
    domain = models.CharField(_("domain (d=)"), max_length=253)
    selector = models.CharField(_("selector (s=)"), max_length=253)
    record = models.TextField(_("record"), max_length=4000, help_text="v=DKIM1; k=rsa; p=…")
    source = models.CharField(_("from"), max_length=40, default="desk", editable=False)

    class Meta:
        verbose_name = _("signing key")
        verbose_name_plural = _("signing keys")
        constraints = [
            models.UniqueConstraint(
                fields=["domain", "selector", "record"], name="abuse_one_signing_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"

    def clean(self) -> None:
        self.domain, self.selector = _named(self.domain), self.selector.strip().lower()


class RangeQuerySet(models.QuerySet["AddressRange"]):
    def over(self, addresses: Iterable[Address]) -> "list[AddressRange]":
        """The ranges that may hold any of the addresses, the smallest first; few of the others."""
        keys = sorted(prefixes.key(address) for address in addresses)
        if not keys:
            return []
        between = self.filter(first__lte=keys[-1], last__gte=keys[0])
        return list(between.order_by("-first", "last", "pk"))


class AddressRange(Dated):
    """Addresses that mail of ours, or of one tenant, comes from."""

    tenant = models.ForeignKey(
        Tenant, models.CASCADE, null=True, blank=True, related_name="ranges",
        verbose_name=_("tenant"), help_text=_("empty: ours, shared by tenants"),
    )  # fmt: skip
    prefix = models.CharField(_("prefix"), max_length=49)
    first = models.CharField(max_length=32, editable=False)
    last = models.CharField(max_length=32, editable=False)

    objects = RangeQuerySet.as_manager()

    class Meta:
        verbose_name = _("address range")
        verbose_name_plural = _("address ranges")
        indexes = [models.Index(fields=["first", "last"], name="abuse_range_covers")]

    def __str__(self) -> str:
        return self.prefix

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.clean()
        super().save(*args, **kwargs)

    def holds(self, address: Address) -> bool:
        return self.first <= prefixes.key(address) <= self.last

    def clean(self) -> None:
        try:
            prefix = prefixes.parse_prefix(self.prefix)
        except Refused as refusal:
            raise ValidationError({"prefix": refusal.message}) from refusal
        self.prefix = str(prefix)
        self.first, self.last = prefixes.keys(prefix)


class SentVolume(models.Model):
    """How many messages a tenant sent on a day, where somebody counts them."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+", verbose_name=_("tenant"))
    day = models.DateField(_("day"))
    messages = models.PositiveBigIntegerField(_("messages"))

    class Meta:
        verbose_name = _("volume")
        verbose_name_plural = _("volumes")
        constraints = [models.UniqueConstraint(fields=["tenant", "day"], name="abuse_one_volume")]

    def __str__(self) -> str:
        return f"{self.tenant}, {self.day}: {self.messages}"


class ReporterQuerySet(models.QuerySet["Reporter"]):
    def live(self) -> "ReporterQuerySet":
        return self.filter(ended_at=None)


class Reporter(models.Model):
    """A network whose reports we trust to say where a mail came from: they sign them."""

    name = models.CharField(_("name"), max_length=100)
    domain = models.CharField(
        _("domain (d=)"), max_length=253, unique=True, help_text=_("that signs their reports")
    )
    mailbox = models.EmailField(
        _("reports come from"), max_length=320,
        help_text=_("the From of their reports; their users' mail has the same signature"),
    )  # fmt: skip
    border = models.CharField(
        _("their mail servers"), max_length=500, blank=True,
        help_text=_("domains of the servers that take mail in for them; empty: the domain itself"),
    )  # fmt: skip
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects = ReporterQuerySet.as_manager()

    class Meta:
        verbose_name = _("enrolled reporter")
        verbose_name_plural = _("enrolled reporters")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.domain = _named(self.domain)

    def runs(self, host: str) -> bool:
        """Whether ``host`` is one of the servers by which mail enters their network."""
        ours = self.border.lower().split() or [self.domain]
        name = host.lower().rstrip(".")
        return any(name == domain or name.endswith(f".{domain}") for domain in ours)


class LoopQuerySet(models.QuerySet["Loop"]):
    def live(self) -> "LoopQuerySet":
        return self.filter(ended_at=None, proved_at__isnull=False)

    def visible_to(self, actor: Actor) -> "LoopQuerySet":
        if actor.role in STAFF:
            return self.all()
        return self.none() if actor.tenant_id is None else self.filter(tenant=actor.tenant_id)


class Loop(models.Model):
    """A feedback loop out: copies of the reports about mail that a domain has signed (RFC 6449).

    A tenant has it for a domain of its own at once.  Others show that the domain is theirs by a
    mail to ``fbl+CHALLENGE@`` that it has signed; ``status_digest`` finds their page.
    """

    tenant = models.ForeignKey(
        Tenant, models.CASCADE, null=True, related_name="loops", verbose_name=_("tenant")
    )
    domain = models.CharField(_("domain (d=)"), max_length=253)
    email = models.EmailField(_("copies go to"), max_length=320)
    language = models.CharField(_("language"), max_length=5, default="en")
    challenge = models.CharField(max_length=32, unique=True, editable=False)
    status_digest = models.CharField(max_length=64, unique=True, editable=False)
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    proved_at = models.DateTimeField(_("proved"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    objects = LoopQuerySet.as_manager()

    class Meta:
        verbose_name = _("feedback loop")
        verbose_name_plural = _("feedback loops")
        constraints = [
            models.UniqueConstraint(
                fields=["domain", "email"],
                condition=Q(ended_at=None, proved_at__isnull=False),
                name="abuse_one_loop",
            )
        ]
        indexes = [models.Index(fields=["domain"], name="abuse_loop_domain")]

    def __str__(self) -> str:
        return f"{self.domain} → {self.email}"
