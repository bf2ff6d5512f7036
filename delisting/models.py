"""Who may lift what, who asked to, and links for those who may not."""

import uuid
from datetime import timedelta
from ipaddress import ip_address

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from delisting.lifecycle import DELIST_REQUEST, OPEN, State
from escalation import prefixes
from escalation.lifecycle import AbstractEntry, LivingModel, known_state, state_field
from escalation.owed import Owed, due_index
from escalation.prefixes import Address, Prefix
from listings.models import Listing, ReasonClass
from mailroom.models import Letter

LAST = 3  # the third listing, and every later one


class Way(models.TextChoices):
    """Who lets an address in again, from the easiest way to the hardest."""

    SELF = "self", _("the sender, at once")
    WAIT = "wait", _("the sender, after a wait")
    AGENT = "agent", _("an agent")
    STATEMENT = "statement", _("an agent, with the owner's statement")
    OWNER = "owner", _("only the owner of the space")
    TENANT = "tenant", _("only that customer's admin")
    TWO_AGENTS = "two_agents", _("two agents")


BY_SENDER = frozenset({Way.SELF, Way.WAIT})


class RuleQuerySet(models.QuerySet["Rule"]):
    def live(self) -> "RuleQuerySet":
        return self.filter(ended_at=None)


class Rule(models.Model):
    """One field of the policy table; a change ends the row and makes another: ended ones stay."""

    reason_class = models.CharField(_("reason class"), max_length=20, choices=ReasonClass.choices)
    nth = models.PositiveSmallIntegerField(
        _("which time"), choices=[(1, _("first")), (2, _("second")), (LAST, _("third and later"))]
    )
    way = models.CharField(_("who may lift it"), max_length=20, choices=Way.choices)
    wait_hours = models.PositiveSmallIntegerField(
        _("hours to wait"), default=0, help_text=_("from the confirmation, where there is a wait")
    )
    window_days = models.PositiveSmallIntegerField(
        _("days that count"), default=30, help_text=_("within which a listing is a repeated one")
    )
    names_agree = models.BooleanField(
        _("names must agree"), default=False, help_text=_("forward and reverse DNS")
    )
    hits_allowed = models.PositiveIntegerField(
        _("refusals allowed"), default=0, help_text=_("between the request and the lifting")
    )
    note = models.CharField(_("note"), max_length=200, blank=True, help_text=_("why it is so"))
    made_by = models.ForeignKey(
        "customers.User", models.PROTECT, null=True, editable=False, related_name="+",
        verbose_name=_("made by"),
    )  # fmt: skip
    made_at = models.DateTimeField(_("made"), default=timezone.now, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, editable=False)

    objects = RuleQuerySet.as_manager()

    class Meta:
        verbose_name = _("rule")
        verbose_name_plural = _("policy")
        constraints = [
            models.UniqueConstraint(
                fields=["reason_class", "nth"],
                condition=Q(ended_at=None),
                name="delisting_one_rule",
            ),
            models.CheckConstraint(condition=Q(nth__in=[1, 2, LAST]), name="delisting_known_nth"),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_class_display()}, {self.get_nth_display()}"

    @property
    def is_by_sender(self) -> bool:
        return self.way in BY_SENDER


class Proof(models.TextChoices):
    """By what somebody has shown that they may ask."""

    LETTER = "letter", _("the link in our letter")
    TXT = "txt", _("a TXT record at the reverse name")
    FILE = "file", _("a file on the server")
    MAIL = "mail", _("a mail from the address")


class Outcome(models.TextChoices):
    """Why a request ended otherwise than it was asked."""

    ALREADY_OFF = "already_off", _("It was off the list already.")
    STILL_SENDING = "still_sending", _("Mail from the address was refused again after you asked.")
    LISTED_AGAIN = "listed_again", _("The address was listed anew after you asked.")
    NAMES = "names", _("The address has no reverse name that points back to it.")
    NO_LOOKUP = "no_lookup", _("The names of the address could not be looked up.")
    REPEATED = "repeated", _("The address was listed too often lately to come off by itself.")
    NOT_BY_SENDER = "not_by_sender", _("A listing of this kind does not come off by itself.")


class DelistRequestQuerySet(models.QuerySet["DelistRequest"]):
    def open(self) -> "DelistRequestQuerySet":
        return self.filter(state__in=OPEN)

    def watched(self) -> "DelistRequestQuerySet":
        """Lifted lately: whoever asked hears of it when the address is listed again."""
        since = timezone.now() - timedelta(days=settings.POSTERN_WATCH_DAYS)
        return self.filter(state=State.LIFTED, relisted_at=None, state_since__gt=since)


class DelistRequest(LivingModel, Owed):
    """One person's wish that one address be let in.

    ``prefix`` is what comes off with it: the address, or the /64 that is listed as one.
    Two secrets: the link in the letter lifts, the address of the status page only shows.  Rows
    keep the hashes of both.  ``listed_then`` says how the listings over the
    address were when it was asked: what has changed since counts against it.
    """

    lifecycle = DELIST_REQUEST

    seed = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    listing = models.ForeignKey(
        Listing, models.PROTECT, related_name="delist_requests", verbose_name=_("listing")
    )
    prefix = models.CharField(_("prefix"), max_length=49)
    address = models.GenericIPAddressField(_("address"), help_text=_("as it was looked up"))
    email = models.EmailField(_("e-mail address"), max_length=320, blank=True)
    language = models.CharField(_("language"), max_length=5, default="en")
    changed = models.TextField(_("what was wrong and has changed"))
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    expires_at = models.DateTimeField(_("link works until"))
    listed_then = models.JSONField(default=dict, help_text="each listing over it: deciding.Seen")
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    status_digest = models.CharField(max_length=64, unique=True, editable=False)
    challenge = models.CharField(
        max_length=32, unique=True, editable=False, help_text="what a proof on the host must show"
    )
    letters = models.PositiveSmallIntegerField(default=1)
    letter = models.ForeignKey(
        Letter, models.SET_NULL, null=True, related_name="+", verbose_name=_("letter")
    )
    proof = models.CharField(_("proved by"), max_length=10, choices=Proof.choices, blank=True)
    rule = models.ForeignKey(Rule, models.PROTECT, null=True, verbose_name=_("rule"))
    nth = models.PositiveSmallIntegerField(_("which time"), default=1)
    names_agree = models.BooleanField(_("names agree"), null=True)
    names_checked_at = models.DateTimeField(null=True)
    holder_since = models.DateTimeField(_("registered to its holder since"), null=True)
    holder_checked_at = models.DateTimeField(null=True)
    cool_until = models.DateTimeField(_("waits until"), null=True)
    serial = models.PositiveBigIntegerField(_("the serial that first lacks it"), null=True)
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome.choices, blank=True)
    relisted_at = models.DateTimeField(_("listed again"), null=True)
    state = state_field(State, State.ASKED)

    objects = DelistRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("delist request")
        verbose_name_plural = _("delist requests")
        constraints = [known_state(State, "delisting_known_state")]
        indexes = [
            due_index("delisting_request_due"),
            models.Index(fields=["prefix", "-asked_at"], name="delisting_by_prefix"),
            models.Index(fields=["email", "asked_at"], name="delisting_by_email"),
            models.Index(fields=["asked_at"], condition=~Q(email=""), name="delisting_to_forget"),
            models.Index(
                fields=["state_since"],
                condition=Q(state=State.LIFTED, relisted_at=None),
                name="delisting_watched",
            ),
        ]

    def __str__(self) -> str:
        return str(self.address)

    @property
    def network(self) -> Prefix:
        return prefixes.parse_prefix(self.prefix)

    @property
    def host(self) -> Address:
        return ip_address(self.address)


class RequestEntry(AbstractEntry):
    """History of a request."""

    subject = models.ForeignKey(DelistRequest, models.PROTECT, related_name="entries")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "key"],
                condition=~Q(key=""),
                name="delisting_one_entry_per_key",
            )
        ]


class Referral(models.Model):
    """What a stranger passes on to the person they wrote to, so that a ticket is filled in.

    It holds what stood on their page, and ends by itself.
    """

    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    prefix = models.CharField(_("prefix"), max_length=49, blank=True)
    sender_email = models.CharField(_("sender’s e-mail"), max_length=320, blank=True)
    recipient = models.CharField(_("recipient"), max_length=320, blank=True)
    reply = models.TextField(_("SMTP reply"), blank=True)
    statement = models.TextField(_("statement"), blank=True)
    bounce = models.BinaryField(default=b"")
    language = models.CharField(max_length=5, default="en")
    made_at = models.DateTimeField(_("made"), default=timezone.now)
    expires_at = models.DateTimeField(_("works until"))

    class Meta:
        verbose_name = _("referral link")
        verbose_name_plural = _("referral links")
        indexes = [models.Index(fields=["expires_at"], name="delisting_referral_ends")]

    def __str__(self) -> str:
        return f"{self.prefix} → {self.recipient}"
