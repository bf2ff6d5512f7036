"""Forms of the portal: shape only; the actions decide."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from delisting.models import Proof
from mailroom.rendering import clean

SHORTEST = 15
LONGEST = 2000  # characters of what somebody says they changed


class AskForm(forms.Form):
    """Three attestations, what changed, and a mailbox."""

    runs_server = forms.BooleanField(label=_("I run this server, or I act for the one who does."))
    found_cause = forms.BooleanField(label=_("I found what sent the unwanted mail."))
    has_stopped = forms.BooleanField(label=_("It has stopped, and I will keep watching."))
    changed = forms.CharField(
        label=_("What was wrong, and what did you change?"),
        help_text=_(
            "One or two plain sentences, at least 15 letters. They are kept with the request."
        ),
        min_length=SHORTEST,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    email = forms.CharField(
        label=_("Where shall we send the letter?"),
        help_text=_(
            "A mailbox you can read now. It proves nothing about who owns the address, and we use "
            "it for this request only."
        ),
        max_length=320,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    work = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, names: bool = False, **kwargs: Any) -> None:
        """``names``: the listing is about the address's names, not about what it has sent."""
        super().__init__(*args, **kwargs)
        if names:
            self.fields["found_cause"].label = _("The address is fixed, not from a dynamic pool.")
            self.fields["has_stopped"].label = _(
                "It has a reverse name (PTR), and that name points back to it."
            )
            self.fields["changed"].label = _("What is this server, and what did you change?")
        self.fields["changed"].error_messages["min_length"] = _(
            "“Fixed” does not tell us enough. Say what sent the mail and what stopped it."
        )
        for name in ("runs_server", "found_cause", "has_stopped"):
            self.fields[name].error_messages["required"] = _(
                "We can take it off only when this is so."
            )

    def clean_changed(self) -> str:
        """What it says without marks that nobody sees."""
        said = clean(self.cleaned_data["changed"]).strip()
        if len(said) < SHORTEST:
            raise ValidationError(self.fields["changed"].error_messages["min_length"])
        return said


class MailboxForm(forms.Form):
    """Another mailbox for the letter."""

    email = forms.CharField(
        label=_("Another mailbox"),
        help_text=_("The link of the letter before stops working."),
        max_length=320,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


class ProofForm(forms.Form):
    """Which other proof we shall look for now."""

    method = forms.ChoiceField(choices=[(Proof.TXT, ""), (Proof.FILE, ""), (Proof.MAIL, "")])
