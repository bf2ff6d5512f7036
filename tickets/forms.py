"""Forms of the tenant's and the sender's pages: shape only; the actions decide."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from mailroom.guards import OLE_MAGIC
from tickets.talking import LONGEST, File

CODE = {"class": "code", "spellcheck": "false", "autocomplete": "off", "autocapitalize": "off"}
SAVE_AS_EML = _(
    "This is an Outlook .msg file, which only Outlook can read. In Outlook, open the bounce, "
    "choose “Save as” or drag it out of new Outlook as .eml, and upload that; or copy the whole "
    "text of the bounce and paste it."
)


def check_upload(upload: UploadedFile[Any] | None) -> UploadedFile[Any] | None:
    """Refuse what is too large, empty or an Outlook file, in words that help."""
    if upload is None:
        return None
    most = settings.POSTERN_UPLOAD_MIB
    if (upload.size or 0) > most * 1024 * 1024:
        raise ValidationError(
            _("The file has %(size)d MiB, and %(most)d MiB are the most we take."),
            params={"size": (upload.size or 0) // (1024 * 1024) + 1, "most": most},
        )
    start = upload.read(8)
    upload.seek(0)
    if start.startswith(OLE_MAGIC) or (upload.name or "").lower().endswith(".msg"):
        raise ValidationError(SAVE_AS_EML)
    return upload


class BounceForm(forms.Form):
    """The first half of opening a ticket: the bounce, from which the rest is filled in."""

    bounce = forms.CharField(
        label=_("The bounce, or the line with the error"),
        help_text=_(
            "All of it is best. A single line will do, such as “550 5.7.606 banned sending IP "
            "[198.51.100.25]”."
        ),
        required=False,
        max_length=5 * 1024 * 1024,
        strip=False,
        widget=forms.Textarea(attrs={**CODE, "rows": 7}),
    )
    file = forms.FileField(
        label=_("Or the bounce as a file"),
        help_text=_("An .eml or .txt file."),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".eml,.txt,message/rfc822,text/plain"}),
    )

    def clean_file(self) -> UploadedFile[Any] | None:
        return check_upload(self.cleaned_data["file"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not cleaned.get("file") and not cleaned.get("bounce", "").strip():
            raise ValidationError(_("Paste the bounce or choose its file, or skip this step."))
        return cleaned

    def file_given(self) -> File:
        """What was uploaded, or what was pasted, as bytes."""
        upload = self.cleaned_data["file"]
        if upload is not None:
            return File(upload.name or "bounce.eml", upload.read())
        return File("bounce.txt", self.cleaned_data["bounce"].encode("utf-8", "replace"))


class TicketForm(forms.Form):
    """The ticket itself; whatever the bounce said stands in it and can be corrected."""

    prefix = forms.CharField(  # type: ignore[assignment]  # the field's name, not the form's
        label=_("Refused address or prefix"),
        help_text=_("IPv4 or IPv6, as in the bounce: for example 198.51.100.25."),
        max_length=60,
        widget=forms.TextInput(attrs=CODE),
    )
    recipient = forms.EmailField(
        label=_("Who misses the mail"),
        help_text=_("An address in one of your domains."),
        max_length=320,
    )
    sender_email = forms.EmailField(
        label=_("Sender’s e-mail"),
        help_text=_("We write to the sender there, with a link of their own to follow the case."),
        max_length=320,
    )
    sender_name = forms.CharField(label=_("Sender’s name"), max_length=200, required=False)
    sender_organisation = forms.CharField(
        label=_("Sender’s organisation"), max_length=200, required=False
    )
    sender_language = forms.ChoiceField(
        label=_("Sender’s language"), choices=settings.LANGUAGES, initial="en"
    )
    smtp_reply = forms.CharField(
        label=_("SMTP reply"),
        help_text=_("The line by which our server refused the mail, if you have it."),
        max_length=5000,
        required=False,
        widget=forms.Textarea(attrs={**CODE, "rows": 2}),
    )
    note = forms.CharField(
        label=_("Anything the desk should know"),
        help_text=_("Only you, your colleagues and the desk see this."),
        max_length=LONGEST,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    external_reference = forms.CharField(label=_("Your reference"), max_length=100, required=False)
    draft = forms.CharField(required=False, widget=forms.HiddenInput)
    referral = forms.CharField(required=False, max_length=100, widget=forms.HiddenInput)
    key = forms.CharField(max_length=120, widget=forms.HiddenInput)


class ManyFiles(forms.FileField):
    """Several files of one field."""

    widget = type("FilesInput", (forms.ClearableFileInput,), {"allow_multiple_selected": True})

    def clean(self, value: Any, initial: Any = None) -> Any:
        given = value if isinstance(value, list | tuple) else [value] if value else []
        checked = [check_upload(super(ManyFiles, self).clean(one, initial)) for one in given]
        return [one for one in checked if one is not None]


class MessageForm(forms.Form):
    """One message of a conversation."""

    text = forms.CharField(
        label=_("Write to the desk"),
        required=False,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    files = ManyFiles(  # type: ignore[assignment]  # as above
        label=_("Attach files"), required=False
    )
    key = forms.CharField(max_length=120, widget=forms.HiddenInput)

    def files_given(self) -> tuple[File, ...]:
        uploads = self.cleaned_data.get("files") or []
        return tuple(File(upload.name or "file", upload.read()) for upload in uploads)


class StepForm(forms.Form):
    """One step with its note: withdraw, escalate, appeal, look again."""

    event = forms.CharField(max_length=40, widget=forms.HiddenInput)
    note = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    key = forms.CharField(max_length=120, widget=forms.HiddenInput)


class AttestationForm(forms.Form):
    """What the sender declares: two answers and three boxes, none ticked beforehand."""

    what_was_wrong = forms.CharField(
        label=_("What was wrong?"),
        help_text=_("One or two plain sentences: what sent the unwanted mail."),
        min_length=10,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    what_changed = forms.CharField(
        label=_("What did you change?"),
        help_text=_("One or two plain sentences: what stopped it."),
        min_length=10,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    runs_server = forms.BooleanField(label=_("I run this server, or act for the one who does."))
    found_cause = forms.BooleanField(label=_("I found what sent the unwanted mail."))
    has_stopped = forms.BooleanField(label=_("It has stopped, and I will keep watching."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("what_was_wrong", "what_changed"):
            self.fields[name].error_messages["min_length"] = _(
                "That does not tell us enough. Say what sent the mail and what stopped it."
            )
