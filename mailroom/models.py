"""Letters out: one row a recipient, written in the business transaction."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from escalation.owed import Owed, due_index

STATUS_WORDS = {
    "accepted": _("accepted"),
    "refused": _("refused"),
    "cancelled": _("cancelled"),
    "parked": _("given up"),
    "deferred": _("tried, comes again"),
    "queued": _("waiting"),
}


class Letter(Owed):
    """One mail to one recipient: outbox row, and record of what became of it.

    ``body`` holds ``LINK`` where the signed link goes; the link is derived
    from ``link_key`` when the letter is sent, so that no stored row lets its
    reader act for the recipient.  ``nudge`` names the sweep to wake when the
    outcome is known.  ``tried_at`` is the first time that it went out: its date.
    """

    LINK = "[[link]]"
    ALERT = "alert"  # the kind of letters to the operator

    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=40)
    recipient = models.EmailField(_("to"), max_length=320, db_index=True)
    language = models.CharField(max_length=5, default="en")
    subject = models.CharField(_("subject"), max_length=250)
    body = models.TextField(_("text"))
    link_path = models.CharField(max_length=200, blank=True, help_text=_("with {token} in it"))
    link_key = models.CharField(max_length=120, blank=True)
    nudge = models.CharField(max_length=40, blank=True)
    written_at = models.DateTimeField(_("written"), default=timezone.now)
    tried_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(_("accepted"), null=True)
    refused_at = models.DateTimeField(_("refused"), null=True)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True)
    smtp_code = models.PositiveSmallIntegerField(null=True)
    smtp_reply = models.TextField(_("last SMTP reply"), blank=True)

    class Meta:
        verbose_name = _("letter")
        verbose_name_plural = _("letters")
        indexes = [
            due_index("mailroom_letters_due"),
            models.Index(fields=["-written_at"], name="mailroom_letters_newest"),
            models.Index(
                fields=["refused_at"],
                condition=models.Q(refused_at__isnull=False),
                name="mailroom_letters_refused",
            ),
            models.Index(
                fields=["parked_at"],
                condition=models.Q(parked_at__isnull=False),
                name="mailroom_letters_parked",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} → {self.recipient}"

    @property
    def message_id(self) -> str:
        """Derived from the row (RFC 5322, section 3.6.4): a copy sent after a crash shows."""
        return f"<letter-{self.pk}@{settings.POSTERN_LETTER_DOMAIN}>"

    @property
    def envelope_sender(self) -> str:
        """Where a bounce of this letter comes back to; names the row (VERP)."""
        return f"bounce+{self.pk}@{settings.POSTERN_LETTER_DOMAIN}"

    @property
    def status(self) -> str:
        """One word: accepted, refused, cancelled, parked, deferred or queued."""
        for word, moment in (
            ("accepted", self.accepted_at),
            ("refused", self.refused_at),
            ("cancelled", self.cancelled_at),
            ("parked", self.parked_at),
        ):
            if moment:
                return word
        return "deferred" if self.last_error else "queued"

    @property
    def status_in_words(self) -> str:
        """The status for people."""
        return str(STATUS_WORDS[self.status])
