"""What is blocked, what is taken out of it, and what every sink has proved to serve."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from escalation import prefixes
from escalation.lifecycle import AbstractEntry, LivingModel, known_state, state_field
from escalation.owed import Owed, due_index
from escalation.prefixes import Prefix
from listings.lifecycle import LISTING, State

ENFORCED = frozenset({State.ACTIVE})


class ReasonClass(models.TextChoices):
    AUTOMATIC = "automatic", _("automatic: unwanted mail seen")
    TRAP = "trap", _("spam trap or snowshoe")
    POLICY = "policy", _("policy: dynamic space, or no reverse name")
    RANGE = "range", _("range, or escalated")
    MANUAL = "manual", _("by hand: legal, malware")


class ListingQuerySet(models.QuerySet["Listing"]):
    def enforced(self) -> "ListingQuerySet":
        return self.filter(state__in=ENFORCED)

    def covering(self, prefix: Prefix) -> "ListingQuerySet":
        """Listings that hold all of ``prefix``, the most specific first.

        One index probe for each possible prefix length; exceptions are not
        looked at: see ``listings.queries.listed``.
        """
        return self.filter(prefix__in=prefixes.covering(prefix)).order_by("-length")

    def inside(self, prefix: Prefix) -> "ListingQuerySet":
        """Listings that lie in ``prefix``, itself included, in address order."""
        first, last = prefixes.keys(prefix)
        return self.filter(
            first__gte=first, first__lte=last, length__gte=prefix.prefixlen, family=prefix.version
        ).order_by("first", "length")


class Listing(LivingModel):
    """One prefix that the operator refuses, with a reason and a life of its own."""

    lifecycle = LISTING

    prefix = models.CharField(_("prefix"), max_length=49)
    family = models.PositiveSmallIntegerField()
    first = models.CharField(max_length=32)
    length = models.PositiveSmallIntegerField()
    reason_class = models.CharField(
        _("reason class"), max_length=20, choices=ReasonClass.choices, default=ReasonClass.AUTOMATIC
    )
    source = models.CharField(_("source"), max_length=100, blank=True)
    evidence = models.TextField(_("evidence"), blank=True)
    listed_at = models.DateTimeField(_("listed"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    hits = models.PositiveBigIntegerField(_("hits"), default=0)
    last_hit_at = models.DateTimeField(_("last hit"), null=True, blank=True)
    state = state_field(State, State.PENDING)
    gone_serial = models.PositiveBigIntegerField(
        null=True, editable=False, help_text="the serial that first lacks it"
    )

    objects = ListingQuerySet.as_manager()

    class Meta:
        verbose_name = _("listing")
        verbose_name_plural = _("listings")
        constraints = [
            known_state(State, "listings_known_state"),
            models.UniqueConstraint(
                fields=["prefix"], condition=~Q(state=State.REMOVED), name="listings_one_live"
            ),
        ]
        indexes = [
            models.Index(fields=["prefix"], name="listings_prefix"),
            models.Index(fields=["state", "family", "first", "length"], name="listings_feed_order"),
            models.Index(
                fields=["expires_at"],
                condition=Q(expires_at__isnull=False, state=State.ACTIVE),
                name="listings_expiring",
            ),
            models.Index(
                fields=["gone_serial"],
                condition=Q(state=State.PENDING_REMOVAL),
                name="listings_leaving",
            ),
        ]

    def __str__(self) -> str:
        return prefixes.shown(prefixes.parse_prefix(self.prefix))

    @property
    def network(self) -> Prefix:
        return prefixes.parse_prefix(self.prefix)


class ListingEntry(AbstractEntry):
    """History of a listing."""

    subject = models.ForeignKey(Listing, models.PROTECT, related_name="entries")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "key"],
                condition=~Q(key=""),
                name="listings_one_entry_per_key",
            )
        ]


class ListingException(models.Model):
    """A smaller prefix taken out of a larger listing; ended rows stay as history."""

    listing = models.ForeignKey(Listing, models.PROTECT, related_name="exceptions")
    prefix = models.CharField(_("prefix"), max_length=49)
    family = models.PositiveSmallIntegerField()
    first = models.CharField(max_length=32)
    length = models.PositiveSmallIntegerField()
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    made_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    serial = models.PositiveBigIntegerField(help_text="the serial that first has it")

    class Meta:
        verbose_name = _("exception")
        verbose_name_plural = _("exceptions")
        constraints = [
            models.UniqueConstraint(
                fields=["listing", "prefix"],
                condition=Q(ended_at=None),
                name="listings_one_live_exception",
            )
        ]
        indexes = [models.Index(fields=["prefix"], name="listings_exception_prefix")]

    def __str__(self) -> str:
        return self.prefix


class Sink(models.Model):
    """A thing that enforces the list; ``kind`` names a folder of ``listings/sinks``."""

    name = models.CharField(_("name"), max_length=50, unique=True)
    kind = models.CharField(_("kind"), max_length=20, default="plain")
    enabled = models.BooleanField(_("enabled"), default=True)

    class Meta:
        verbose_name = _("sink")
        verbose_name_plural = _("sinks")

    def __str__(self) -> str:
        return self.name


class Publication(Owed):
    """One serial of the list.  Changes join the newest one that has not begun.

    ``held_why`` is set when a guard holds it; the feed then stays as it was
    until an agent releases it or a later serial passes.
    """

    serial = models.BigAutoField(primary_key=True)
    asked_at = models.DateTimeField(default=timezone.now)
    begun_at = models.DateTimeField(null=True)
    n_prefixes = models.PositiveBigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    published_at = models.DateTimeField(null=True)
    held_at = models.DateTimeField(null=True)
    held_why = models.TextField(blank=True)
    released_by = models.ForeignKey(
        "customers.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("publication")
        verbose_name_plural = _("publications")
        indexes = [due_index("listings_publications_due")]

    def __str__(self) -> str:
        return f"serial {self.serial}"


class Receipt(models.Model):
    """A sink's proof that it serves a serial, read back from the sink itself."""

    sink = models.ForeignKey(Sink, models.PROTECT, related_name="receipts")
    publication = models.ForeignKey(Publication, models.PROTECT, related_name="receipts")
    read_at = models.DateTimeField(default=timezone.now)
    proof = models.CharField(max_length=300, help_text="what was read back, and where")

    class Meta:
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")
        constraints = [
            models.UniqueConstraint(
                fields=["sink", "publication"], name="listings_one_receipt_a_serial"
            )
        ]

    def __str__(self) -> str:
        return f"{self.sink}: {self.publication}"
