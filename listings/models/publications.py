"""What the list comes to: serials, the sinks that enforce them, and their receipts."""

from typing import TYPE_CHECKING

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from escalation.owed import Owed, due_index

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


class Sink(models.Model):
    """A thing that enforces the list; ``kind`` names a folder of ``listings/sinks``.

    ``server``, ``zone`` and ``path`` say where a receipt is read back, as far as
    the kind asks.  ``trouble`` is what the last look found, "" when it proved.
    """

    name = models.CharField(_("name"), max_length=50, unique=True)
    kind = models.CharField(_("kind"), max_length=20, default="plain")
    enabled = models.BooleanField(_("enabled"), default=True)
    is_open = models.BooleanField(
        _("open to everybody"), default=False, help_text=_("Fetched over HTTP without a token.")
    )
    server = models.CharField(
        _("server"), max_length=100, blank=True, help_text=_("address:port to read back from")
    )
    zone = models.CharField(_("zone"), max_length=253, blank=True, help_text=_("of a DNS sink"))
    path = models.CharField(
        _("path"), max_length=300, blank=True, help_text=_("of a table that a mail server reads")
    )
    push = models.CharField(
        _("push"), max_length=100, blank=True, help_text=_("hook to run after a publication")
    )
    late_minutes = models.PositiveSmallIntegerField(
        _("late after minutes"), default=10, validators=[MinValueValidator(1)],
        help_text=_("then its not having proved the list is an alert"),
    )  # fmt: skip
    token_digest = models.CharField(max_length=64, blank=True, editable=False)
    token_made_at = models.DateTimeField(_("token made"), null=True, editable=False)
    pushed_serial = models.PositiveBigIntegerField(null=True, editable=False)
    trouble = models.CharField(_("trouble"), max_length=500, blank=True, editable=False)
    trouble_since = models.DateTimeField(_("since"), null=True, editable=False)

    class Meta:
        verbose_name = _("sink")
        verbose_name_plural = _("sinks")

    def __str__(self) -> str:
        return self.name


class Fetch(models.Model):
    """A line of a sink's request log: a serial that it has fetched, or asked after, with its token.

    One row a serial, however often it polls.  ``held_at`` is when it first
    showed to hold that serial: it took the body, or named its ETag.
    """

    sink = models.ForeignKey(Sink, models.CASCADE, related_name="fetches")
    serial = models.PositiveBigIntegerField(_("serial"))
    held_at = models.DateTimeField(_("fetched"), null=True)
    asked_at = models.DateTimeField(_("last asked"), default=timezone.now)
    requests = models.PositiveBigIntegerField(_("requests"), default=0)
    address = models.GenericIPAddressField(_("from"), null=True)

    class Meta:
        verbose_name = _("fetch")
        verbose_name_plural = _("fetches")
        constraints = [
            models.UniqueConstraint(fields=["sink", "serial"], name="listings_one_fetch_a_serial")
        ]

    def __str__(self) -> str:
        return f"{self.sink}: {self.serial}"


class Change(models.Model):
    """A cell of the list (``listings.cells``) that is not as it was before a serial."""

    serial = models.PositiveBigIntegerField()
    cell = models.CharField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["serial", "cell"], name="listings_one_change_a_serial")
        ]

    def __str__(self) -> str:
        return f"{self.cell}: {self.serial}"


class PublicationQuerySet(models.QuerySet["Publication"]):
    def waiting(self) -> "PublicationQuerySet":
        """The one that changes still join; there is never a second."""
        return self.filter(begun_at=None)

    def published(self) -> "PublicationQuerySet":
        return self.filter(published_at__isnull=False)

    def unpublished(self) -> "PublicationQuerySet":
        """Those whose list no sink has been given, nor need be."""
        return self.filter(published_at=None, superseded_at=None)

    def held(self) -> "PublicationQuerySet":
        """Those that wait for an agent."""
        return self.unpublished().filter(held_at__isnull=False, released_at=None)


class Publication(Owed):
    """One serial of the list.  Changes join the one that has not begun.

    There is never more than one that has not begun, and it begins under its
    row lock: so when a serial has begun, every change that was promised that
    serial or an earlier one is committed, and what is read then has them all.

    ``held_why`` is set when a guard holds it; the feed then stays as it was
    until an agent releases it or a later serial passes.
    """

    serial = models.BigAutoField(primary_key=True)
    asked_at = models.DateTimeField(_("asked for"), default=timezone.now)
    begun_at = models.DateTimeField(null=True)
    n_listings = models.PositiveBigIntegerField(_("listings"), null=True)
    n_prefixes = models.PositiveBigIntegerField(_("prefixes in the feed"), null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    published_at = models.DateTimeField(_("published"), null=True)
    held_at = models.DateTimeField(_("held"), null=True)
    held_why = models.TextField(_("why it is held"), blank=True)
    released_at = models.DateTimeField(_("released"), null=True)
    released_by = models.ForeignKey(
        "customers.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    release_note = models.CharField(max_length=200, blank=True)
    superseded_at = models.DateTimeField(null=True)

    objects = PublicationQuerySet.as_manager()

    class Meta:
        verbose_name = _("publication")
        verbose_name_plural = _("publications")
        constraints = [
            models.UniqueConstraint(
                models.expressions.ExpressionWrapper(
                    Q(begun_at__isnull=True), output_field=models.BooleanField()
                ),
                condition=Q(begun_at=None),
                name="listings_one_waiting",
            )
        ]
        indexes = [
            due_index("listings_publications_due"),
            models.Index(
                fields=["serial"],
                condition=Q(published_at__isnull=False),
                name="listings_published",
            ),
            models.Index(
                fields=["serial"],
                condition=Q(published_at=None, superseded_at=None),
                name="listings_unpublished",
            ),
        ]

    def __str__(self) -> str:
        return _("serial %(serial)d") % {"serial": self.serial}

    @property
    def is_held(self) -> bool:
        return bool(
            self.held_at and not (self.released_at or self.published_at or self.superseded_at)
        )

    @property
    def standing(self) -> "StrPromise":
        """Where it is, in a word or two."""
        if self.published_at:
            return _("published")
        if self.superseded_at:
            return _("overtaken by a later one")
        if self.parked_at:
            return _("given up")
        return _("held") if self.is_held else _("on its way")


class Receipt(models.Model):
    """A sink's proof that it serves a serial, read back from the sink itself."""

    sink = models.ForeignKey(Sink, models.PROTECT, related_name="receipts")
    publication = models.ForeignKey(Publication, models.PROTECT, related_name="receipts")
    read_at = models.DateTimeField(default=timezone.now)
    proof = models.CharField(max_length=300, help_text=_("what was read back, and where"))

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
