"""Tickets of tenants, the desk's own cases, and the conversations with each party."""

from typing import Any

from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Lower, StrIndex, Substr
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models import Tenant, User
from escalation import prefixes
from escalation.actors import CUSTOMER, Actor, Role
from escalation.lifecycle import AbstractEntry, LivingModel, known_state, state_field
from escalation.owed import Owed, due_index
from escalation.prefixes import Prefix
from listings.models import Listing
from ownership.models import Inquiry, Request
from tickets.lifecycle import CASE, OPEN, QUIET, TURN, Party, State

STAFF = frozenset({Role.AGENT, Role.DESK})


class CaseQuerySet(models.QuerySet["Case"]):
    def visible_to(self, actor: Actor) -> "CaseQuerySet":
        """Cases are the desk's own: nobody else sees one as such."""
        return self.all() if actor.role in STAFF else self.none()

    def live(self) -> "CaseQuerySet":
        """Cases that a new ticket about their prefix hangs itself on."""
        return self.exclude(state__in=QUIET)

    def open(self) -> "CaseQuerySet":
        return self.filter(state__in=OPEN)

    def for_queue(self) -> "CaseQuerySet":
        """What a row of the agents' queue shows; its tickets are counted for a whole page."""
        return self.select_related("agent", "listing").defer("facts")


class Case(Owed, LivingModel):
    """The desk's own matter about one refused prefix.

    ``due_at`` is when the jobs look at it next; ``answer_by`` is when the
    party whose turn it is should have acted, shown to people.
    """

    lifecycle = CASE

    prefix = models.CharField(_("prefix"), max_length=49)
    family = models.PositiveSmallIntegerField()
    first = models.CharField(max_length=32)
    last = models.CharField(max_length=32)
    state = state_field(State, State.GATHERING)
    level = models.PositiveSmallIntegerField(_("level"), default=0)
    listing = models.ForeignKey(Listing, models.PROTECT, null=True, related_name="cases")
    inquiry = models.ForeignKey(Inquiry, models.PROTECT, null=True, related_name="+")
    agent = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    claimed_at = models.DateTimeField(null=True)
    subject = models.CharField(_("about"), max_length=253, blank=True, help_text="sender's domain")
    facts = models.JSONField(default=dict, help_text="what the jobs gathered; see tickets.facts")
    gone_serial = models.PositiveBigIntegerField(null=True)
    opened_at = models.DateTimeField(_("opened"), default=timezone.now)
    answer_by = models.DateTimeField(_("due"), null=True)

    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        constraints = [
            known_state(State, "tickets_known_state"),
            models.UniqueConstraint(
                fields=["prefix"], condition=~Q(state__in=QUIET), name="tickets_one_live_case"
            ),
        ]
        indexes = [
            due_index("tickets_cases_due"),
            models.Index(fields=["state", "answer_by"], name="tickets_queue"),
            models.Index(fields=["agent", "state"], name="tickets_mine"),
            models.Index(fields=["first", "last"], name="tickets_case_range"),
            models.Index(fields=["prefix"], name="tickets_case_prefix"),
        ]

    def __str__(self) -> str:
        return _("Case %(number)d: %(prefix)s") % {"number": self.pk, "prefix": self.shown_prefix}

    def get_absolute_url(self) -> str:
        return reverse("admin:tickets_case_change", args=[self.pk])

    @property
    def network(self) -> Prefix:
        return prefixes.parse_prefix(self.prefix)

    @property
    def shown_prefix(self) -> str:
        return prefixes.shown(self.network)

    @property
    def turn(self) -> Party:
        """Whose turn it is."""
        return TURN[self.state]


class Entry(AbstractEntry):
    """History of a case.  ``ticket`` is set for the step of one tenant.

    ``number`` is a value that the step carries: the level risen to, a serial.
    """

    subject = models.ForeignKey(Case, models.PROTECT, related_name="entries")
    ticket = models.ForeignKey("Ticket", models.PROTECT, null=True, related_name="steps")
    number = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["pk"]
        verbose_name = _("entry")
        verbose_name_plural = _("entries")
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "key"], condition=~Q(key=""), name="tickets_one_entry_per_key"
            )
        ]


class TicketQuerySet(models.QuerySet["Ticket"]):
    def visible_to(self, actor: Actor) -> "TicketQuerySet":
        """Tickets that ``actor`` may know of: all for staff, a tenant's own for its members.

        The only wall between tenants: every page and endpoint begins here.
        """
        if actor.role in STAFF:
            return self.all()
        if actor.role in CUSTOMER and actor.tenant_id is not None:
            return self.filter(tenant_id=actor.tenant_id)
        return self.none()

    def open(self) -> "TicketQuerySet":
        return self.filter(ended_at=None)

    def for_list(self) -> "TicketQuerySet":
        return self.select_related("case", "tenant", "opened_by")


class Ticket(models.Model):
    """What a tenant opened on behalf of one external sender, about one prefix."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="tickets")
    case = models.ForeignKey(Case, models.PROTECT, related_name="tickets")
    opened_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    prefix = models.CharField(_("address or prefix"), max_length=49)
    sender_name = models.CharField(_("sender's name"), max_length=200, blank=True)
    sender_email = models.EmailField(_("sender's e-mail"), max_length=320)
    sender_organisation = models.CharField(_("sender's organisation"), max_length=200, blank=True)
    sender_language = models.CharField(_("sender's language"), max_length=5, default="en")
    recipient = models.EmailField(_("recipient"), max_length=320)
    smtp_reply = models.TextField(_("SMTP reply"), blank=True)
    enhanced_status_code = models.CharField(max_length=20, blank=True)
    list_named = models.CharField(max_length=200, blank=True, help_text="the list in the reply")
    note = models.TextField(_("note"), blank=True)
    external_reference = models.CharField(_("your reference"), max_length=100, blank=True)
    key = models.CharField(max_length=120, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True, help_text="of what the key opened")
    opened_at = models.DateTimeField(_("opened"), default=timezone.now)
    ended_at = models.DateTimeField(null=True, help_text="withdrawn, or its case closed")
    # What agents search by, kept by the database itself.
    sender_key = models.GeneratedField(
        expression=Lower("sender_email"),
        output_field=models.CharField(max_length=320),
        db_persist=True,
        db_index=True,
    )
    domain_key = models.GeneratedField(
        expression=Lower(Substr("sender_email", StrIndex("sender_email", Value("@")) + 1)),
        output_field=models.CharField(max_length=320),
        db_persist=True,
        db_index=True,
    )

    objects = TicketQuerySet.as_manager()

    class Meta:
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "key"], condition=~Q(key=""), name="tickets_one_per_key"
            ),
            models.UniqueConstraint(
                fields=["tenant", "prefix"],
                condition=Q(ended_at=None),
                name="tickets_one_open_per_prefix",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-id"], name="tickets_of_a_tenant"),
            models.Index(fields=["external_reference"], name="tickets_by_reference"),
        ]

    def __str__(self) -> str:
        return _("Ticket %(number)d: %(prefix)s") % {
            "number": self.pk,
            "prefix": self.shown_prefix,
        }

    def get_absolute_url(self) -> str:
        return reverse("tickets:detail", args=[self.pk])

    @property
    def shown_prefix(self) -> str:
        return prefixes.shown(prefixes.parse_prefix(self.prefix))

    @property
    def sender_domain(self) -> str:
        return self.sender_email.rpartition("@")[2]


class Conversation(models.Model):
    """The private channel between the desk and one party of a case.

    The customer's and the sender's hang on a ticket, the owner's on a request;
    ``party`` *desk* is the agents' own notes.  ``token_digest`` is the hash of
    the token in the sender's link.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="conversations")
    party = models.CharField(max_length=10, choices=Party.choices)
    ticket = models.ForeignKey(Ticket, models.PROTECT, null=True, related_name="conversations")
    request = models.ForeignKey(Request, models.PROTECT, null=True, related_name="+")
    token_digest = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001 -- unique
    token_expires_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        constraints = [
            models.UniqueConstraint(
                fields=["ticket", "party"],
                condition=Q(ticket__isnull=False),
                name="tickets_one_conversation_per_party",
            ),
            models.UniqueConstraint(
                fields=["case", "request"],
                condition=Q(request__isnull=False),
                name="tickets_one_conversation_per_request",
            ),
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(party=Party.DESK),
                name="tickets_one_notebook_per_case",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case} · {self.get_party_display()}"


class Message(models.Model):
    """One message in exactly one conversation.  Never changed."""

    conversation = models.ForeignKey(Conversation, models.PROTECT, related_name="messages")
    role = models.CharField(max_length=20, choices=Role.choices)
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    text = models.TextField(_("text"))
    written_at = models.DateTimeField(default=timezone.now)
    key = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["key"], condition=~Q(key=""), name="tickets_message_keys")]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "key"],
                condition=~Q(key=""),
                name="tickets_one_message_per_key",
            )
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.text[:60]}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("A message is never changed.")
        super().save(*args, **kwargs)


class Attachment(models.Model):
    """A file in a conversation; kept as raw bytes, only ever sent back as a download."""

    message = models.ForeignKey(Message, models.PROTECT, related_name="attachments")
    name = models.CharField(max_length=200)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()

    def __str__(self) -> str:
        return self.name


class Draft(models.Model):
    """A bounce uploaded to fill in the form; purged after a day."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    name = models.CharField(max_length=200)
    content = models.BinaryField()
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["made_at"], name="tickets_old_drafts")]

    def __str__(self) -> str:
        return self.name


class Attestation(models.Model):
    """What the sender declares: what was wrong, what changed, and three boxes."""

    ticket = models.OneToOneField(Ticket, models.PROTECT, related_name="attestation")
    what_was_wrong = models.TextField()
    what_changed = models.TextField()
    runs_server = models.BooleanField(help_text="I run this server, or act for whoever does")
    found_cause = models.BooleanField(help_text="I found what sent the unwanted mail")
    has_stopped = models.BooleanField(help_text="It has stopped, and I shall keep watching")
    given_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.ticket}: {self.what_changed[:60]}"


class Clock(Owed):
    """The time one party has had the ball: started and stopped by steps of the case."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="clocks")
    party = models.CharField(max_length=10, choices=Party.choices)
    started_at = models.DateTimeField(default=timezone.now)
    stopped_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=Q(stopped_at=None), name="tickets_one_running_clock"
            )
        ]
        indexes = [due_index("tickets_clocks_due")]

    def __str__(self) -> str:
        return f"{self.case}: {self.get_party_display()}"


class LadderRule(models.Model):
    """When a party's clock has run ``hours``, the case rises to ``level``."""

    party = models.CharField(_("clock of"), max_length=10, choices=Party.choices)
    level = models.PositiveSmallIntegerField(_("rises to level"))
    hours = models.PositiveIntegerField(_("after hours"))
    office_hours = models.BooleanField(_("count office hours only"), default=True)

    class Meta:
        verbose_name = _("escalation rule")
        verbose_name_plural = _("escalation rules")
        ordering = ["party", "level"]
        constraints = [
            models.UniqueConstraint(fields=["party", "level"], name="tickets_one_rule_a_level")
        ]

    def __str__(self) -> str:
        return _("%(party)s: level %(level)d after %(hours)d hours") % {
            "party": self.get_party_display(),
            "level": self.level,
            "hours": self.hours,
        }
