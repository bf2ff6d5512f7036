"""Letters out, one row a recipient; mail in, kept as it came before anything is read."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from escalation.owed import Owed, due_index
from mailroom import tokens

STATUS_WORDS = {
    "bounced": _("came back"),
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
    feedback = models.TextField(
        blank=True, help_text="the fields of a message/feedback-report (RFC 5965), where it has one"
    )
    enclosed = models.BinaryField(default=b"", help_text="the mail that such a report is about")
    link_path = models.CharField(max_length=200, blank=True, help_text=_("with {token} in it"))
    link_key = models.CharField(max_length=120, blank=True)
    nudge = models.CharField(max_length=40, blank=True)
    written_at = models.DateTimeField(_("written"), default=timezone.now)
    tried_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(_("accepted"), null=True)
    refused_at = models.DateTimeField(_("refused"), null=True)
    bounced_at = models.DateTimeField(_("came back"), null=True)
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
        """Where a bounce of this letter comes back to; names the row (VERP), and nobody else
        can name it: a made-up bounce must not end our writing to somebody."""
        return f"bounce+{self.pk}-{self.bounce_mark}@{settings.POSTERN_LETTER_DOMAIN}"

    @property
    def bounce_mark(self) -> str:
        """What the address for bounces must hold besides the number: 64 bits, in hex."""
        return tokens.digest(tokens.token(f"bounce:{self.pk}"))[:16]

    @property
    def status(self) -> str:
        """One word: bounced, accepted, refused, cancelled, parked, deferred or queued."""
        for word, moment in (
            ("bounced", self.bounced_at),
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


class Purpose(models.TextChoices):
    """What the recipient of a mail is for."""

    JUNK = "junk", _("reports of junk")
    NOT_JUNK = "not_junk", _("reports of wrongly filtered mail")
    LOOP = "loop", _("proofs of a feedback loop")
    BOUNCE = "bounce", _("bounces of our letters")


class Channel(models.TextChoices):
    """How a mail reached us."""

    LMTP = "lmtp", _("by LMTP or SMTP")
    PIPE = "pipe", _("by a pipe")
    MAILDIR = "maildir", _("from a folder")
    WEB = "web", _("by the form")
    API = "api", _("by the API")


class Received(Owed):
    """One mail in: its bytes are committed before anybody is told that we have it, read later.

    ``key`` makes the same bytes for the same purpose one row, however often they come.  Rows of
    one upload share ``seed``, from which the secret of the reporter's link is derived.
    ``who`` is a keyed hash of where an upload came from, or the name of an API key.
    ``unread`` says why it could not be read, one of ``mailroom.diagnosis``: it then owes nothing
    until somebody has it read again.
    """

    key = models.CharField(max_length=64, unique=True, editable=False)
    purpose = models.CharField(_("for"), max_length=10, choices=Purpose.choices)
    channel = models.CharField(_("how it came"), max_length=10, choices=Channel.choices)
    mail_from = models.CharField(_("envelope sender"), max_length=320, blank=True)
    recipient = models.CharField(_("recipient"), max_length=320, blank=True)
    raw = models.BinaryField(default=b"", help_text="empty once it has been kept long enough")
    size = models.PositiveIntegerField(_("bytes"), default=0)
    copies = models.PositiveIntegerField(_("times it came"), default=1)
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    seed = models.UUIDField(default=uuid.uuid4, editable=False)
    link_digest = models.CharField(max_length=64, editable=False, db_index=True)
    language = models.CharField(_("language"), max_length=5, default="en")
    who = models.CharField(max_length=64, blank=True, editable=False)
    unread = models.CharField(_("not read because"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("mail in")
        verbose_name_plural = _("mail in")
        indexes = [
            due_index("mailroom_received_due"),
            models.Index(
                fields=["received_at"], condition=~models.Q(raw=b""), name="mailroom_to_forget"
            ),
            models.Index(
                fields=["-received_at"], condition=~models.Q(unread=""), name="mailroom_unread"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()}, {self.received_at:%Y-%m-%d %H:%M} UTC"
