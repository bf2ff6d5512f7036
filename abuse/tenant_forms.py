"""Forms of the tenant's pages: shape only; the actions decide."""

from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from abuse.kinds import PROVED, FeedbackClass, Strength
from abuse.lifecycle import Event
from abuse.stations import STRENGTHS

LONGEST_STATEMENT: Final = 4000  # characters
LONGEST_KEY: Final = 100  # characters
ALL_PROVED: Final = "proved"
SHOWN_AS: Final[dict[str, tuple[str, ...]]] = {
    ALL_PROVED: tuple(sorted(PROVED)),
    **{strength.value: (strength.value,) for strength in Strength if strength in STRENGTHS},
}


class FilterForm(forms.Form):
    """What the list of reports can be narrowed by."""

    kind = forms.ChoiceField(
        label=_("Class"), choices=[("", _("all")), *FeedbackClass.choices], required=False
    )
    strength = forms.ChoiceField(
        label=_("How sure"),
        choices=[("", _("all")), (ALL_PROVED, _("proved, in any way")), *STRENGTHS.items()],
        required=False,
    )

    def wish(self) -> dict[str, Any]:
        """Arguments for ``queries.narrowed``; what is no choice narrows nothing."""
        given = self.cleaned_data if self.is_bound and self.is_valid() else {}
        return {
            "kind": given.get("kind", ""),
            "strengths": SHOWN_AS.get(given.get("strength", ""), ()),
        }


class StatementForm(forms.Form):
    """A statement, or an appeal."""

    event = forms.ChoiceField(
        choices=[(event.value, event.label) for event in (Event.ANSWER, Event.APPEAL)],
        widget=forms.HiddenInput,
    )
    note = forms.CharField(
        label=_("Your words to the desk"),
        help_text=_("What sent the mail, what you have done about it, and since when."),
        max_length=LONGEST_STATEMENT,
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    key = forms.CharField(max_length=LONGEST_KEY, widget=forms.HiddenInput)


class LoopForm(forms.Form):
    """A feedback loop for a domain of the tenant's own."""

    domain = forms.CharField(
        label=_("Your domain that signs the mail (d=)"),
        help_text=_("One of yours, or one below it: for example news.clinic.example."),
        max_length=253,
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "off"}),
    )
    email = forms.EmailField(
        label=_("Mailbox for the copies"),
        help_text=_("A program may read it: the copies are in the form of RFC 5965 (ARF)."),
        max_length=320,
    )
