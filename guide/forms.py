"""Forms of the diagnosis: shape only."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from mailroom.guards import MAX_BYTES

CODE = {"class": "code", "spellcheck": "false", "autocomplete": "off", "autocapitalize": "off"}


class DiagnosisForm(forms.Form):
    """A bounce as text or as a file, or an address; at least one of them."""

    bounce = forms.CharField(
        label=_("The bounce, or the line with the error"),
        help_text=_(
            "All of it is best. A single line such as “550 5.7.606 Access denied” will do."
        ),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={**CODE, "rows": 7}),
    )
    file = forms.FileField(
        label=_("Or the bounce as a file"),
        help_text=_("An .eml or .txt file, up to 5 MB"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".eml,.txt,message/rfc822,text/plain"}),
    )
    address = forms.CharField(
        label=_("Or your server’s address"),
        help_text=_("IPv4 or IPv6, for example 192.0.2.17"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs=CODE),
    )

    def clean_file(self) -> UploadedFile[Any] | None:
        file: UploadedFile[Any] | None = self.cleaned_data["file"]
        if file is not None and (file.size or 0) > MAX_BYTES:
            raise ValidationError(_("The file is larger than 5 MB: choose the bounce alone."))
        return file

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        has_any = given.get("file") or given.get("bounce", "").strip() or given.get("address")
        if not self.errors and not has_any:
            raise ValidationError(_("Paste the bounce, choose its file, or type an address."))
        return given

    def bounce_given(self) -> bytes:
        """What was uploaded, else what was pasted, as bytes; empty for none."""
        file = self.cleaned_data["file"]
        if file is not None:
            return bytes(file.read(MAX_BYTES + 1)) or b" "
        return str(self.cleaned_data["bounce"]).strip().encode("utf-8", "replace")


class LiveForm(forms.Form):
    """What is to be looked up."""

    address = forms.CharField(required=False, max_length=64)
    domain = forms.CharField(required=False, max_length=253)
    selector = forms.RegexField(r"[A-Za-z0-9._-]{1,200}", required=False)
    signer = forms.CharField(required=False, max_length=253)
    only = forms.ChoiceField(
        choices=[(name, name) for name in ("names", "spf", "dmarc", "dkim")], required=False
    )
