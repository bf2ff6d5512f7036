"""What is blocked, and what is taken out of it."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from escalation import prefixes
from escalation.actors import Role
from escalation.lifecycle import AbstractEntry, LivingModel, known_state, state_field
from escalation.prefixes import WIDEST, Prefix
from listings.lifecycle import LISTING, State

ENFORCED = frozenset({State.ACTIVE})


class ReasonClass(models.TextChoices):
    AUTOMATIC = "automatic", _("automatic: unwanted mail seen")
    TRAP = "trap", _("spam trap or snowshoe")
    POLICY = "policy", _("policy: dynamic space, or no reverse name")
    RANGE = "range", _("range, or escalated")
    MANUAL = "manual", _("by hand: legal, malware")
    TENANT = "tenant", _("a block by one of our customers")


def over_prefix(prefix: Prefix) -> list[str]:
    """The prefixes over ``prefix`` that a listing may have: see ``prefixes.WIDEST``."""
    return prefixes.covering(prefix, WIDEST[prefix.version])


class ListingQuerySet(models.QuerySet["Listing"]):
    def enforced(self) -> "ListingQuerySet":
        return self.filter(state__in=ENFORCED)

    def live(self) -> "ListingQuerySet":
        """All but the removed: at most one for each prefix."""
        return self.exclude(state=State.REMOVED)

    def covering(self, prefix: Prefix) -> "ListingQuerySet":
        """Listings that hold all of ``prefix``, the most specific first.

        One index probe for each possible prefix length; exceptions are not
        looked at: see ``listings.queries.listed``.
        """
        return self.filter(prefix__in=over_prefix(prefix)).order_by("-length")

    def inside(self, prefix: Prefix) -> "ListingQuerySet":
        """Listings that lie in ``prefix``, itself included, in address order."""
        first, last = prefixes.keys(prefix)
        return self.filter(
            first__gte=first, first__lte=last, length__gte=prefix.prefixlen, family=prefix.version
        ).order_by("first", "length")

    def touching(self, prefix: Prefix) -> "ListingQuerySet":
        """Listings that share an address with ``prefix``: over it, or inside it."""
        first, last = prefixes.keys(prefix)
        inside = Q(
            family=prefix.version, first__gte=first, first__lte=last, length__gt=prefix.prefixlen
        )
        return self.filter(Q(prefix__in=over_prefix(prefix)) | inside)


class Listing(LivingModel):
    """One prefix that the operator refuses, with a reason and a life of its own."""

    lifecycle = LISTING

    prefix = models.CharField(_("prefix"), max_length=49)
    family = models.PositiveSmallIntegerField()
    first = models.CharField(max_length=32)
    after = models.CharField(max_length=32, help_text="key of the first address behind it")
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
        null=True, editable=False, help_text=_("the serial that first lacks it")
    )

    objects = ListingQuerySet.as_manager()

    class Meta:
        verbose_name = _("listing")
        verbose_name_plural = _("listings")
        constraints = [
            known_state(State, "listings_known_state"),
            models.CheckConstraint(  # what ``listings.cells`` relies on
                condition=Q(family=4, length__gte=WIDEST[4]) | Q(family=6, length__gte=WIDEST[6]),
                name="listings_fits_a_cell",
            ),
            models.UniqueConstraint(
                fields=["prefix"], condition=~Q(state=State.REMOVED), name="listings_one_live"
            ),
        ]
        indexes = [
            # With the state in it, or SQLite would rather walk all that are active.
            models.Index(fields=["prefix", "state", "length"], name="listings_prefix"),
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

    @property
    def needs_two_agents(self) -> bool:
        """Whether the policy asks for two people to let it in: wide, or listed by hand."""
        by_hand = self.reason_class == ReasonClass.MANUAL
        return by_hand or prefixes.needs_two_agents(self.network)


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


class ExceptionQuerySet(models.QuerySet["ListingException"]):
    def live(self) -> "ExceptionQuerySet":
        return self.filter(ended_at=None)

    def covering(self, prefix: Prefix) -> "ExceptionQuerySet":
        """Exceptions that hold all of ``prefix``, the most specific first."""
        return self.filter(prefix__in=over_prefix(prefix)).order_by("-length")


class ListingException(models.Model):
    """A smaller prefix taken out of a larger listing; ended rows stay as history.

    An exception lives only as long as its listing is enforced.  Of all listings
    and live exceptions that cover an address, the most specific one decides.
    """

    listing = models.ForeignKey(Listing, models.PROTECT, related_name="exceptions")
    prefix = models.CharField(_("prefix"), max_length=49)
    family = models.PositiveSmallIntegerField()
    first = models.CharField(max_length=32)
    after = models.CharField(max_length=32, help_text="key of the first address behind it")
    length = models.PositiveSmallIntegerField()
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    made_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    serial = models.PositiveBigIntegerField(help_text=_("the serial that first has it"))

    objects = ExceptionQuerySet.as_manager()

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
        indexes = [
            models.Index(fields=["prefix", "ended_at", "length"], name="listings_exception_prefix"),
            models.Index(
                fields=["family", "first", "length"],
                condition=Q(ended_at=None),
                name="listings_exception_order",
            ),
            models.Index(fields=["serial"], name="listings_exception_serial"),
        ]

    def __str__(self) -> str:
        return prefixes.shown(self.network)

    @property
    def network(self) -> Prefix:
        return prefixes.parse_prefix(self.prefix)


class Removal(models.Model):
    """One order to let a prefix in again: who gave it, why, and the serial that has it."""

    key = models.CharField(max_length=120, unique=True)
    prefix = models.CharField(_("prefix"), max_length=49)
    serial = models.PositiveBigIntegerField(help_text=_("the serial that first lacks it"))
    role = models.CharField(max_length=20, choices=Role.choices)
    user = models.ForeignKey(
        "customers.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("removal")
        verbose_name_plural = _("removals")
        indexes = [models.Index(fields=["serial"], name="listings_removal_serial")]

    def __str__(self) -> str:
        return f"{self.prefix}: serial {self.serial}"
