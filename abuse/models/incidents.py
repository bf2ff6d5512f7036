"""What follows from reports: an incident for each tenant and class; the table that says when."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import models
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from abuse.kinds import FeedbackClass
from abuse.lifecycle import INCIDENT, OPEN, State
from abuse.models.senders import STAFF, SentVolume
from customers.models import Tenant
from escalation.actors import Actor
from escalation.lifecycle import AbstractEntry, LivingModel, known_state, state_field
from escalation.owed import Owed, due_index

FEWEST_SENT = 1000  # messages in the window: of fewer no rate is reckoned


@dataclass(frozen=True, slots=True)
class Heard:
    """Reporters of some days that the evidence stands behind, each once.

    ``sent`` is what was sent on the days whose volume is on file, and ``voices`` how many were
    heard on these; None where most of the days are not on file.
    """

    enrolled: int
    anonymous: int
    sent: int | None
    voices: int = 0

    @property
    def per_1000(self) -> float | None:
        if self.sent is None or self.sent < FEWEST_SENT:
            return None
        return self.voices * 1000 / self.sent


class Step(models.TextChoices):
    """What a threshold leads to."""

    WARN = "warn", _("warn the tenant")
    ASK = "ask", _("ask for a statement")
    RESTRICT = "restrict", _("restrict the tenant")


class ThresholdQuerySet(models.QuerySet["Threshold"]):
    def live(self) -> "ThresholdQuerySet":
        return self.filter(ended_at=None)


class Threshold(models.Model):
    """When a step is due; a change ends the row and makes another.

    Reached by any of the three numbers; null means never by that one.  Where the tenant's volume
    is known, the rate decides, else the numbers of reporters.
    """

    step = models.CharField(_("step"), max_length=10, choices=Step.choices)
    feedback_class = models.CharField(
        _("class"), max_length=20, choices=FeedbackClass.choices, blank=True,
        help_text=_("empty: every class that has no row of its own"),
    )  # fmt: skip
    window_days = models.PositiveSmallIntegerField(_("days that count"), default=7)
    enrolled = models.PositiveIntegerField(
        _("enrolled reporters"), null=True, blank=True, help_text=_("where no volume is known")
    )
    anonymous = models.PositiveIntegerField(
        _("other reporters"), null=True, blank=True, help_text=_("where no volume is known")
    )
    per_1000 = models.DecimalField(
        _("reporters per 1,000 messages"), max_digits=6, decimal_places=2, null=True, blank=True
    )
    is_automatic = models.BooleanField(
        _("by itself"), default=True, help_text=_("else it is only proposed to agents")
    )
    note = models.CharField(_("note"), max_length=200, blank=True, help_text=_("why it is so"))
    made_by = models.ForeignKey(
        "customers.User", models.PROTECT, null=True, editable=False, related_name="+",
        verbose_name=_("made by"),
    )  # fmt: skip
    made_at = models.DateTimeField(_("made"), default=timezone.now, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, editable=False)

    objects = ThresholdQuerySet.as_manager()

    class Meta:
        verbose_name = _("threshold")
        verbose_name_plural = _("thresholds")
        constraints = [
            models.UniqueConstraint(
                fields=["step", "feedback_class"],
                condition=Q(ended_at=None),
                name="abuse_one_threshold",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_step_display()}, {self.get_feedback_class_display() or '*'}"

    def is_reached(self, heard: Heard) -> bool:
        rate = heard.per_1000
        if rate is not None and self.per_1000 is not None:
            return rate >= self.per_1000
        pairs = ((heard.enrolled, self.enrolled), (heard.anonymous, self.anonymous))
        return any(most is not None and n >= most for n, most in pairs)


class IncidentQuerySet(models.QuerySet["Incident"]):
    def visible_to(self, actor: Actor) -> "IncidentQuerySet":
        """The tenant's own; all for staff.  The wall between tenants."""
        if actor.role in STAFF:
            return self.all()
        return self.none() if actor.tenant_id is None else self.filter(tenant=actor.tenant_id)

    def open(self) -> "IncidentQuerySet":
        return self.filter(state__in=OPEN)


class Incident(LivingModel, Owed):
    """All that is reported of one tenant and one class, from the first report to the end.

    The three counts are of voices: a reporter and a day.  ``claims`` are those with nothing but
    the reporter's word: they are shown, and lead to nothing.
    """

    lifecycle = INCIDENT

    tenant = models.ForeignKey(
        Tenant, models.PROTECT, related_name="incidents", verbose_name=_("tenant")
    )
    feedback_class = models.CharField(_("class"), max_length=20, choices=FeedbackClass.choices)
    opened_at = models.DateTimeField(_("opened"), default=timezone.now)
    last_report_at = models.DateTimeField(_("last report"), default=timezone.now)
    enrolled = models.PositiveIntegerField(_("enrolled reporters"), default=0)
    anonymous = models.PositiveIntegerField(_("other reporters"), default=0)
    claims = models.PositiveIntegerField(_("unproved"), default=0)
    proposed = models.CharField(_("proposed"), max_length=10, choices=Step.choices, blank=True)
    answer_until = models.DateTimeField(_("statement due"), null=True)
    appealed_at = models.DateTimeField(_("appealed"), null=True)
    state = state_field(State, State.OPEN)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        constraints = [
            known_state(State, "abuse_known_state"),
            models.UniqueConstraint(
                fields=["tenant", "feedback_class"],
                condition=Q(state__in=sorted(OPEN)),
                name="abuse_one_open_incident",
            ),
        ]
        indexes = [
            due_index("abuse_incident_due"),
            models.Index(fields=["tenant", "-last_report_at"], name="abuse_incident_tenant"),
            models.Index(fields=["state", "-last_report_at"], name="abuse_incident_queue"),
            models.Index(fields=["-last_report_at"], name="abuse_incident_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.tenant}: {self.get_feedback_class_display()}"

    def threshold(self, step: str) -> Threshold | None:
        """The row that counts for this class: its own, else the one for every class."""
        rows = Threshold.objects.live().filter(step=step)
        return rows.filter(feedback_class__in=[self.feedback_class, ""]).order_by(
            "-feedback_class"
        ).first()  # fmt: skip

    def heard(self, days: int) -> Heard:
        """The proved voices of the last ``days``, and the tenant's volume in the same days."""
        since = timezone.now().date() - timedelta(days=days - 1)
        voices = self.voices.filter(day__gte=since, is_proved=True).values("is_enrolled")
        each = voices.annotate(n=Count("reporter", distinct=True)).order_by()
        n = {row["is_enrolled"]: row["n"] for row in each}
        on_file = SentVolume.objects.filter(tenant=self.tenant_id, day__gte=since)
        sent = dict(on_file.values_list("day", "messages"))
        if 2 * len(sent) < days:
            return Heard(n.get(True, 0), n.get(False, 0), None)
        heard = self.voices.filter(day__in=list(sent), is_proved=True).count()
        return Heard(n.get(True, 0), n.get(False, 0), sum(sent.values()), heard)

    def has_reached(self, step: str) -> Threshold | None:
        """The threshold of ``step`` if it is reached, by proved reports alone."""
        rule = self.threshold(step)
        return rule if rule is not None and rule.is_reached(self.heard(rule.window_days)) else None

    def is_due(self, step: str) -> bool:
        """Whether the desk may take ``step`` by itself."""
        rule = self.has_reached(step)
        return rule is not None and rule.is_automatic

    @property
    def proved(self) -> int:
        """Voices that the evidence stands behind."""
        return self.enrolled + self.anonymous


class IncidentEntry(AbstractEntry):
    """History of an incident."""

    subject = models.ForeignKey(Incident, models.PROTECT, related_name="entries")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "key"], condition=~Q(key=""), name="abuse_one_entry_per_key"
            )
        ]


class HookCall(Owed):
    """One call of the operator's hook: a tenant is restricted, or let go again."""

    class What(models.TextChoices):
        RESTRICT = "restrict", _("restrict")
        RELEASE = "release", _("let go")

    key = models.CharField(max_length=64, unique=True)
    incident = models.ForeignKey(
        Incident, models.PROTECT, related_name="hook_calls", verbose_name=_("incident")
    )
    what = models.CharField(_("what"), max_length=10, choices=What.choices)
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    done_at = models.DateTimeField(_("done"), null=True)
    answer = models.TextField(_("answer"), blank=True)

    class Meta:
        verbose_name = _("call of the hook")
        verbose_name_plural = _("calls of the hook")
        indexes = [due_index("abuse_hook_due")]

    def __str__(self) -> str:
        return f"{self.get_what_display()}: {self.incident}"
