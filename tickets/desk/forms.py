"""Forms of the desk: shape only; the actions decide."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from tickets.desk.steps import IN_BULK
from tickets.guards import HIGHEST
from tickets.lifecycle import Event, Party
from tickets.models import LadderRule
from tickets.talking import LONGEST

MOST_HOURS = 24 * 90


class StepForm(forms.Form):
    """One step of an agent, with the case as they saw it."""

    event = forms.ChoiceField(choices=Event.choices)
    note = forms.CharField(required=False, max_length=LONGEST)
    seen = forms.CharField(max_length=100)
    key = forms.CharField(max_length=60)


class ProposalForm(forms.Form):
    """A contact that no registry names, and where it comes from."""

    email = forms.EmailField(label=_("E-mail address of the owner"), max_length=320)
    source = forms.CharField(
        label=_("Where it comes from"),
        help_text=_("For example: the company’s own web page, read today."),
        max_length=500,
    )
    seen = forms.CharField(max_length=100, widget=forms.HiddenInput)
    key = forms.CharField(max_length=60, widget=forms.HiddenInput)

    def note(self) -> str:
        """The note of the step: the address is its first word."""
        source = " ".join(self.cleaned_data["source"].split())
        return f"{self.cleaned_data['email']} {source}"


class ManyForm(forms.Form):
    """One step on many cases."""

    event = forms.ChoiceField(
        label=_("Step"), choices=[("", _("Choose a step")), *((e, e.label) for e in IN_BULK)]
    )
    note = forms.CharField(
        label=_("Note"),
        help_text=_("One note for all of them. A question or a refusal goes out with it."),
        required=False,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    key = forms.CharField(max_length=60, widget=forms.HiddenInput)


class RuleForm(forms.ModelForm[LadderRule]):
    """A rule of escalation; later levels come after earlier ones."""

    class Meta:
        model = LadderRule
        fields = ["party", "level", "hours", "office_hours"]

    def clean_party(self) -> str:
        party: str = self.cleaned_data["party"]
        if party == Party.NOBODY:
            raise ValidationError(_("Where it is nobody’s turn, no clock runs."))
        return party

    def clean_level(self) -> int:
        level: int = self.cleaned_data["level"]
        if not 1 <= level <= HIGHEST:
            raise ValidationError(_("Levels are 1 to %(highest)d."), params={"highest": HIGHEST})
        return level

    def clean_hours(self) -> int:
        hours: int = self.cleaned_data["hours"]
        if not 1 <= hours <= MOST_HOURS:
            raise ValidationError(_("Give 1 to %(most)d hours."), params={"most": MOST_HOURS})
        return hours

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            self._check_order(cleaned)
        return cleaned

    def _check_order(self, cleaned: dict[str, Any]) -> None:
        others = LadderRule.objects.filter(party=cleaned["party"]).exclude(pk=self.instance.pk)
        for rule in others:
            earlier, later = sorted(
                [(rule.level, rule.hours), (cleaned["level"], cleaned["hours"])]
            )
            if earlier[0] < later[0] and earlier[1] >= later[1]:
                raise ValidationError(
                    _("Level %(later)d must come after level %(earlier)d (%(hours)d hours)."),
                    params={"later": later[0], "earlier": earlier[0], "hours": rule.hours},
                )
