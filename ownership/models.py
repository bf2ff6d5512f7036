"""Whose space it is, whom we ask, and what their answers prove.

No row here knows a tenant or a ticket: no query of a tenant can reach an owner.
Ranges are kept as two sortable keys (``escalation.prefixes.keys``).
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from escalation import prefixes
from escalation.lifecycle import AbstractEntry, LivingModel, known_state, state_field
from escalation.owed import Owed, due_index
from escalation.prefixes import Prefix
from ownership.lifecycle import OPEN, REQUEST, State


class RegistryHost(models.Model):
    """One RDAP server: the token bucket that all workers share.

    ``host`` may carry a kind of question with a budget of its own, as in
    ``rdap.db.ripe.net/entity``.
    """

    host = models.CharField(max_length=253, primary_key=True)
    tokens = models.FloatField(default=5.0)
    refilled_at = models.DateTimeField(default=timezone.now)
    blocked_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.host


class BootstrapFile(Owed):
    """A registry table of IANA (RFC 9224) as last fetched; refreshed daily."""

    name = models.CharField(max_length=20, primary_key=True)
    etag = models.CharField(max_length=200, blank=True)
    body = models.TextField(blank=True)
    fetched_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [due_index("ownership_bootstrap_due")]

    def __str__(self) -> str:
        return self.name


class NetworkQuerySet(models.QuerySet["Network"]):
    def covering(self, prefix: Prefix) -> "NetworkQuerySet":
        """Networks that hold all of ``prefix``, the most specific first."""
        first, last = prefixes.keys(prefix)
        return self.filter(first__lte=first, last__gte=last).order_by("-first", "last")


class Network(models.Model):
    """A registered block, as a registry describes it."""

    first = models.CharField(max_length=32)
    last = models.CharField(max_length=32)
    handle = models.CharField(max_length=200)
    registry = models.CharField(max_length=253, help_text=_("host of the RDAP server"))
    name = models.CharField(max_length=200, blank=True)
    type = models.CharField(max_length=100, blank=True)
    country = models.CharField(max_length=10, blank=True)
    organisation = models.CharField(max_length=300, blank=True)
    org_handle = models.CharField(max_length=200, blank=True)
    parent = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+")
    up_url = models.CharField(max_length=500, blank=True)
    flags = models.JSONField(default=list)
    registered_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(null=True)
    url = models.CharField(max_length=500)
    chain = models.JSONField(default=list, help_text=_("redirects that led to the answer"))
    sha256 = models.CharField(max_length=64)
    document_gz = models.BinaryField(null=True)
    read_at = models.DateTimeField()

    objects = NetworkQuerySet.as_manager()

    class Meta:
        verbose_name = _("network")
        verbose_name_plural = _("networks")
        constraints = [
            models.UniqueConstraint(
                fields=["registry", "handle", "first", "last"], name="ownership_one_network"
            )
        ]
        indexes = [models.Index(fields=["first", "last"], name="ownership_network_range")]

    def __str__(self) -> str:
        return f"{self.organisation or self.name} {self.range}"

    @property
    def range(self) -> str:
        return f"{prefixes.from_key(self.first)} – {prefixes.from_key(self.last)}"

    def covers(self, prefix: Prefix) -> bool:
        """Whether all of ``prefix`` lies in the network."""
        first, last = prefixes.keys(prefix)
        return self.first <= first and last <= self.last


class Lookup(models.Model):
    """Which network a registry gave as the answer for a prefix; it stands for that prefix alone."""

    prefix = models.CharField(max_length=49, primary_key=True)
    network = models.ForeignKey(Network, models.CASCADE, related_name="lookups")
    asked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.prefix}: {self.network}"


class Contact(models.Model):
    """A mailbox that a registry names; one row an address, whatever its networks."""

    email = models.EmailField(_("e-mail address"), max_length=320, unique=True)
    is_person = models.BooleanField(default=False)
    bounced_until = models.DateTimeField(null=True)
    stopped_at = models.DateTimeField(_("asked us to stop"), null=True)

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")

    def __str__(self) -> str:
        return self.email


class NetworkContact(models.Model):
    """A contact's place in a network, by the latest answer that named it."""

    network = models.ForeignKey(Network, models.CASCADE, related_name="contacts")
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="networks")
    position = models.PositiveSmallIntegerField(help_text=_("0 is asked first"))
    score = models.SmallIntegerField()
    roles = models.JSONField(default=list)
    flags = models.JSONField(default=list)
    source = models.CharField(max_length=20, default="rdap")
    entity_handle = models.CharField(max_length=200, blank=True)
    listed = models.BooleanField(default=True, help_text=_("named by the latest answer"))
    not_theirs_at = models.DateTimeField(null=True, help_text="they said: not ours")
    last_seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["network", "contact"], name="ownership_one_place_in_a_network"
            )
        ]

    def __str__(self) -> str:
        return f"{self.contact} · {self.network}"


class Inquiry(Owed):
    """What the desk wants to know about a prefix: who owns it, and shall it be let in?

    ``outcome`` is "" while we ask.  ``evidence`` is what letters and the
    answer page may say: {"listed_at", "reason", "hits", "last_hit_at"}.
    """

    class Outcome(models.TextChoices):
        CONFIRMED = "confirmed", _("Confirmed")
        DENIED = "denied", _("Denied")
        UNKNOWN = "unknown", _("Owner unknown")
        CONTRADICTED = "contradicted", _("Two contacts disagree")
        CANCELLED = "cancelled", _("No longer asked")

    prefix = models.CharField(max_length=49)
    first = models.CharField(max_length=32)
    last = models.CharField(max_length=32)
    level_needed = models.PositiveSmallIntegerField(default=2)
    evidence = models.JSONField(default=dict)
    tenant_domains = models.JSONField(default=list, help_text="never asked automatically")
    network = models.ForeignKey(Network, models.PROTECT, null=True, related_name="inquiries")
    flags = models.JSONField(default=list)
    opened_at = models.DateTimeField(default=timezone.now)
    outcome = models.CharField(max_length=20, choices=Outcome.choices, blank=True)
    outcome_at = models.DateTimeField(null=True)
    why = models.TextField(blank=True, help_text="for agents: what led to the outcome")

    class Meta:
        verbose_name = _("inquiry")
        verbose_name_plural = _("inquiries")
        constraints = [
            models.UniqueConstraint(
                fields=["prefix"], condition=Q(outcome=""), name="ownership_one_open_inquiry"
            )
        ]
        indexes = [
            due_index("ownership_inquiries_due"),
            models.Index(fields=["first", "last"], name="ownership_inquiry_range"),
        ]

    def __str__(self) -> str:
        return self.prefix

    @property
    def asked(self) -> Prefix:
        """What is asked about, as a prefix."""
        return prefixes.parse_prefix(self.prefix)


class RequestQuerySet(models.QuerySet["Request"]):
    def open(self) -> "RequestQuerySet":
        return self.filter(state__in=OPEN)


class Request(LivingModel):
    """One question to one contact of one network, shared by every inquiry about it."""

    lifecycle = REQUEST

    network = models.ForeignKey(Network, models.PROTECT, related_name="requests")
    contact = models.ForeignKey(Contact, models.PROTECT, related_name="requests")
    forwarded_from = models.ForeignKey("self", models.PROTECT, null=True, related_name="forwards")
    depth = models.PositiveSmallIntegerField(default=0, help_text=_("forwarded how many times"))
    state = state_field(State, State.QUEUED)
    opened_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    objects = RequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("request")
        verbose_name_plural = _("requests")
        constraints = [
            known_state(State, "ownership_known_request_state"),
            models.UniqueConstraint(
                fields=["network", "contact"],
                condition=Q(state__in=OPEN),
                name="ownership_one_open_request",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.network} → {self.contact}"


class RequestEntry(AbstractEntry):
    """History of a request."""

    subject = models.ForeignKey(Request, models.PROTECT, related_name="entries")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "key"],
                condition=~Q(key=""),
                name="ownership_one_request_entry_per_key",
            )
        ]


class RequestLetter(models.Model):
    """One letter of a request, with the hash of its link's token.

    A newer letter supersedes the links of the older ones.
    """

    request = models.ForeignKey(Request, models.CASCADE, related_name="letters")
    letter = models.OneToOneField("mailroom.Letter", models.PROTECT, related_name="+")
    contact = models.ForeignKey(Contact, models.PROTECT, related_name="letters")
    token_digest = models.CharField(max_length=64, unique=True)
    written_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["contact", "written_at"], name="ownership_letters_week")]

    def __str__(self) -> str:
        return f"{self.request} ({self.written_at:%Y-%m-%d})"


class Rung(models.Model):
    """One step of an inquiry's ladder: which request it leans on, and why."""

    class Why(models.TextChoices):
        FIRST = "first", _("best contact of the network")
        PARENT = "parent", _("best contact of the parent network")
        NEXT = "next", _("next contact")
        FORWARDED = "forwarded", _("named by the contact before")
        BY_HAND = "by_hand", _("entered by two agents")
        NOTICE = "notice", _("told of the answer of another contact")

    inquiry = models.ForeignKey(Inquiry, models.CASCADE, related_name="rungs")
    request = models.ForeignKey(Request, models.PROTECT, related_name="rungs")
    position = models.PositiveSmallIntegerField()
    why = models.CharField(max_length=20, choices=Why.choices)
    note = models.TextField(blank=True, help_text="by hand: who proposed and agreed, and why")
    opened_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["inquiry", "request"], name="ownership_one_rung"),
            models.UniqueConstraint(
                fields=["inquiry", "position"], name="ownership_one_rung_a_position"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.inquiry} {self.position}: {self.request}"


class Answer(Owed):
    """What a contact said, by a POST from the page behind their link.

    It takes effect when the sweep has checked it (``checked_at``): a confirm
    only if a fresh look-up shows that the registry still lists the contact.
    """

    class Kind(models.TextChoices):
        CONFIRM = "confirm", _("It is ours: let its mail in")
        OPERATE = "operate", _("It is ours, and we run this server ourselves")
        DENY = "deny", _("It is ours: keep refusing its mail")
        NOT_MINE = "not_mine", _("It is not ours")
        FORWARD = "forward", _("Someone else should answer")
        STOP = "stop", _("Do not write to us again")

    request = models.OneToOneField(Request, models.PROTECT, related_name="answer")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    prefixes = models.JSONField(default=list, help_text="the prefixes that it was given for")
    whole_network = models.BooleanField(default=False)
    name_given = models.CharField(max_length=200, blank=True)
    text = models.TextField(blank=True)
    forward_to = models.EmailField(max_length=320, blank=True)
    given_at = models.DateTimeField(default=timezone.now)
    checked_at = models.DateTimeField(null=True)
    accepted = models.BooleanField(null=True)
    reject_reason = models.TextField(blank=True)

    class Meta:
        indexes = [due_index("ownership_answers_due")]

    def __str__(self) -> str:
        return f"{self.request}: {self.kind}"


class ProofQuerySet(models.QuerySet["Proof"]):
    def current(self) -> "ProofQuerySet":
        return self.filter(revoked_at=None, expires_at__gt=timezone.now())

    def covering(self, prefix: Prefix) -> "ProofQuerySet":
        """Proofs whose scope holds all of ``prefix``, the highest level first."""
        first, last = prefixes.keys(prefix)
        return self.filter(first__lte=first, last__gte=last).order_by("-level", "-verified_at")


class Proof(models.Model):
    """What is proved, for which prefix, by what, and until when."""

    class Method(models.TextChoices):
        REGISTRY_MAIL = "registry_mail", _("answer from the registry's contact")
        FORWARDED_MAIL = "forwarded_mail", _("answer from somebody the contact named")
        MANUAL = "manual", _("judged by agents")

    network = models.ForeignKey(Network, models.PROTECT, null=True, related_name="proofs")
    answer = models.ForeignKey(Answer, models.PROTECT, null=True, related_name="proofs")
    method = models.CharField(max_length=20, choices=Method.choices)
    level = models.PositiveSmallIntegerField()
    first = models.CharField(max_length=32)
    last = models.CharField(max_length=32)
    provenance = models.TextField(help_text=_("whose word it is, and by which look-up"))
    verified_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    flags = models.JSONField(default=list, help_text=_("what weakens it"))
    revoked_at = models.DateTimeField(_("revoked"), null=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    revoke_reason = models.TextField(_("why revoked"), blank=True)

    objects = ProofQuerySet.as_manager()

    class Meta:
        verbose_name = _("proof")
        verbose_name_plural = _("proofs")
        constraints = [
            models.UniqueConstraint(
                fields=["answer", "first", "last"], name="ownership_one_proof_a_scope"
            )
        ]
        indexes = [models.Index(fields=["first", "last"], name="ownership_proof_range")]

    def __str__(self) -> str:
        return _("level %(level)d: %(range)s") % {"level": self.level, "range": self.range}

    @property
    def range(self) -> str:
        return f"{prefixes.from_key(self.first)} – {prefixes.from_key(self.last)}"
