"""Forms for people who report: shape only."""

import re
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from abuse import uploads
from abuse.reading import is_document
from escalation.errors import Refused
from mailroom.models import Purpose
from mailroom.receiving import MAX_BYTES

CODE: Final = {"class": "code", "spellcheck": "false", "autocomplete": "off"}
# What a message has above its text, also where a mail program shows it in Korean.
_HEADER: Final = re.compile(r"^[> \t]*(?:from|received|보낸 ?사람)[ \t]*:", re.IGNORECASE | re.M)


class Mails(forms.FileField):
    """Several files, each of them a mail; what is wrong is said of each by its name."""

    widget = type("MailsInput", (forms.FileInput,), {"allow_multiple_selected": True})

    def clean(self, value: Any, initial: Any = None) -> Any:
        given: list[UploadedFile[Any]] = value if isinstance(value, list) else []
        mails: list[bytes] = []
        problems: list[str] = []
        for file in given:
            try:
                mails.append(_checked(file))
            except Refused as refusal:
                problems.append(f"{file.name}: {refusal.message}")
        if problems:
            raise ValidationError(problems)
        return mails


def _checked(file: "UploadedFile[Any]") -> bytes:
    raw = bytes(file.read(MAX_BYTES + 1))
    uploads.check(raw)
    return raw


class ReportForm(forms.Form):
    """Mails as files, one pasted, or both."""

    purpose = forms.ChoiceField(
        label=_("What is wrong with it?"),
        choices=[
            (Purpose.JUNK, _("It is junk")),
            (Purpose.NOT_JUNK, _("It is no junk: you filtered it wrongly")),
        ],
        widget=forms.RadioSelect,
    )
    files = Mails(  # type: ignore[assignment]  # a form's files are those of the request
        label=_("The message as a file"),
        help_text=_(
            "Save it as an .eml file. Up to 20 files, of 10 MiB each; reports in ARF or XARF will "
            "do as well."
        ),
        required=False,
        widget=Mails.widget(attrs={"accept": ".eml,.txt,.json,message/rfc822,text/plain"}),
    )
    text = forms.CharField(
        label=_("Or the message as text"),
        help_text=_(
            "All of it, from the first line of its source. Without the headers nobody can say who "
            "sent it."
        ),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={**CODE, "rows": 7}),
    )

    def clean_text(self) -> bytes:
        """What was pasted, as octets; b"" for nothing."""
        text = str(self.cleaned_data["text"]).strip()
        raw = text.encode("utf-8", "replace")
        if len(raw) > uploads.MOST_TEXT:
            raise ValidationError(_("This is more than 1 MiB of text: save it as a file instead."))
        if raw and not is_document(raw) and not _HEADER.search(text):
            raise ValidationError(
                _(
                    "The headers are missing. Show the source of the message in your mail program, "
                    "and copy all of it, from the first line on."
                )
            )
        return raw

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if self.errors.keys() & {"files", "text"}:
            return given
        if not self.mails():
            raise ValidationError(_("Choose the message as a file, or paste it as text."))
        try:
            uploads.check_all([len(raw) for raw in self.mails()])
        except Refused as refusal:
            self.add_error("files", refusal.message)
        return given

    def mails(self) -> list[bytes]:
        """All that was handed in."""
        text = self.cleaned_data.get("text", b"")
        return [*self.cleaned_data.get("files", []), *([text] if text else [])]


class LoopForm(forms.Form):
    """Who wants copies of the reports about a domain's mail."""

    domain = forms.CharField(
        label=_("Your domain"),
        help_text=_("The one that signs your mail (d= in your DKIM signature)."),
        max_length=253,
        widget=forms.TextInput(attrs={**CODE, "autocapitalize": "off"}),
    )
    email = forms.CharField(
        label=_("Where shall the copies go?"),
        help_text=_("A mailbox that a program reads will do, too."),
        max_length=320,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    work = forms.CharField(required=False, widget=forms.HiddenInput)
