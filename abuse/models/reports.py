"""Reports as they were read, and who is heard by them."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from abuse.kinds import FOR_AGENTS, FeedbackClass, Filed, Strength
from abuse.models.incidents import Incident
from abuse.models.senders import STAFF, Reporter
from customers.models import Tenant
from escalation.actors import Actor
from escalation.owed import Owed, due_index
from mailroom.models import Letter, Received

WAITS_FOR_AGENT = Q(filed__in=sorted(FOR_AGENTS), closed_at=None)


class ReportQuerySet(models.QuerySet["Report"]):
    def visible_to(self, actor: Actor) -> "ReportQuerySet":
        """Reports about the tenant's own mail; all for staff.  The wall between tenants."""
        if actor.role in STAFF:
            return self.all()
        return self.none() if actor.tenant_id is None else self.filter(tenant=actor.tenant_id)


class Report(Owed):
    """One mail in, read: what it reports, whose mail that was, how surely, and how it was filed.

    ``reporter`` is the keyed hash of who reports: the one who is counted.  ``message_key`` is one
    for all reports of the same message.  ``evidence`` is the reported message as text, or the
    words of a mail for an agent, and ``facts`` what else was found in it.  It owes an answer to
    its reporter while it is due.  ``closed_at``: an agent has dealt with what was left to agents.
    """

    received = models.OneToOneField(
        Received, models.PROTECT, related_name="report", verbose_name=_("mail in")
    )
    read_at = models.DateTimeField(_("read"), default=timezone.now)
    filed = models.CharField(_("filed as"), max_length=20, choices=Filed.choices)
    format = models.CharField(_("format"), max_length=10, blank=True)
    feedback_class = models.CharField(
        _("class"), max_length=20, choices=FeedbackClass.choices, blank=True
    )
    strength = models.CharField(_("strength"), max_length=2, choices=Strength.choices, blank=True)
    why = models.JSONField(default=list, help_text="codes of what speaks for it: kinds.REASONS")
    tenant = models.ForeignKey(
        Tenant, models.PROTECT, null=True, related_name="+", verbose_name=_("tenant")
    )
    incident = models.ForeignKey(
        Incident, models.PROTECT, null=True, related_name="reports", verbose_name=_("incident")
    )
    enrolled = models.ForeignKey(
        Reporter, models.PROTECT, null=True, related_name="+", verbose_name=_("enrolled reporter")
    )
    reporter = models.CharField(max_length=64, editable=False)
    reporter_email = models.CharField(_("reporter"), max_length=320, blank=True)
    source_address = models.GenericIPAddressField(_("from address"), null=True)
    from_domain = models.CharField(_("domain of the sender"), max_length=253, blank=True)
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    message_id = models.CharField("Message-ID", max_length=250, blank=True)
    message_key = models.CharField(max_length=64, blank=True, editable=False)
    arrived_at = models.DateTimeField(_("the message arrived"), null=True)
    incidents = models.PositiveSmallIntegerField(default=1)
    evidence = models.TextField(blank=True)
    facts = models.JSONField(default=dict)
    holder = models.CharField(_("whose space it is"), max_length=200, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True)
    closed_by = models.CharField(max_length=150, blank=True)
    is_forgotten = models.BooleanField(default=False, editable=False)
    letter = models.ForeignKey(
        Letter, models.SET_NULL, null=True, related_name="+", verbose_name=_("our answer")
    )

    objects = ReportQuerySet.as_manager()

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        indexes = [
            due_index("abuse_report_due"),
            models.Index(fields=["tenant", "-id"], name="abuse_report_tenant"),
            models.Index(fields=["incident", "-id"], name="abuse_report_incident"),
            models.Index(fields=["filed", "-id"], name="abuse_report_filed"),
            models.Index(fields=["source_address", "-id"], name="abuse_report_address"),
            models.Index(fields=["from_domain", "-id"], name="abuse_report_domain"),
            models.Index(fields=["strength", "-id"], name="abuse_report_strength"),
            models.Index(fields=["feedback_class", "-id"], name="abuse_report_class"),
            models.Index(
                fields=["read_at"], condition=Q(is_forgotten=False), name="abuse_report_to_forget"
            ),
            models.Index(fields=["-id"], condition=WAITS_FOR_AGENT, name="abuse_report_for_agents"),
            models.Index(
                fields=["-id"], condition=Q(closed_at__isnull=False), name="abuse_report_closed"
            ),
        ]

    def __str__(self) -> str:
        return self.subject or self.message_id or str(self.pk)


class Fingerprint(models.Model):
    """Of all reports that are the same in some way, the first: of two at once, one has it."""

    key = models.CharField(max_length=64, primary_key=True)
    received = models.ForeignKey(Received, models.CASCADE, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["made_at"], name="abuse_fingerprint_made")]

    def __str__(self) -> str:
        return self.key


class Voice(models.Model):
    """One reporter, one tenant, one day: however much they report, they weigh one."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+")
    incident = models.ForeignKey(Incident, models.PROTECT, related_name="voices")
    day = models.DateField()
    reporter = models.CharField(max_length=64)
    is_enrolled = models.BooleanField(default=False)
    is_proved = models.BooleanField(default=False, help_text="better than the reporter's word")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "day", "reporter"], name="abuse_one_voice")
        ]
        indexes = [models.Index(fields=["incident", "day"], name="abuse_voice_incident")]

    def __str__(self) -> str:
        return f"{self.day}"
