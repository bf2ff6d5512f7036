"""The answer page's form: nothing is chosen beforehand, and a name goes with every answer."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from escalation import prefixes
from ownership.actions import Given
from ownership.models import Answer, Network

Kind = Answer.Kind
CHOICES = [(kind.value, kind.label) for kind in Kind if kind != Kind.STOP]
FOR_PREFIXES = frozenset({Kind.CONFIRM, Kind.OPERATE, Kind.DENY})
DETAILS = {
    Kind.CONFIRM: _("A customer of ours uses it, and we have no objection. A person here decides."),
    Kind.OPERATE: _("As above; please tell us below what was wrong and what you changed."),
    Kind.DENY: _("The listing stays. We do not pass on who answered, or what."),
    Kind.NOT_MINE: _("We read the registry again and ask its next contact."),
    Kind.FORWARD: _("We write to whom you name below. You need do nothing more."),
}


class AnswerForm(forms.Form):
    """One of the answers, for the prefixes ticked."""

    answer = forms.ChoiceField(
        label=_("Choose one"),
        help_text=_("Nothing is chosen for you."),
        choices=CHOICES,
        widget=forms.RadioSelect,
    )
    prefixes = forms.MultipleChoiceField(
        label=_("For which of them?"),
        help_text=_("Needed for the first three: they count for what you tick, and for no more."),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    whole_network = forms.BooleanField(required=False)
    forward_to = forms.EmailField(
        label=_("Who should answer?"),
        help_text=_("Only for the last choice: their e-mail address."),
        required=False,
        max_length=254,
    )
    note = forms.CharField(
        label=_("Anything we should know?"),
        help_text=_("Only our desk reads this."),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    name = forms.CharField(
        label=_("Your name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    acts_for = forms.BooleanField()

    def __init__(self, *args: Any, asked: Sequence[str], network: Network, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        answer, chosen = self.fields["answer"], self.fields["prefixes"]
        answer.details = DETAILS  # type: ignore[attr-defined]
        assert isinstance(chosen, forms.MultipleChoiceField)  # noqa: S101 -- declared above
        chosen.choices = [(one, prefixes.shown(prefixes.parse_prefix(one))) for one in asked]
        if len(asked) == 1:  # then there is nothing to choose, and the page says so above
            chosen.widget = forms.MultipleHiddenInput()
            chosen.initial = list(asked)
        whole, acts = self.fields["whole_network"], self.fields["acts_for"]
        whole.label = _("Let my yes stand for the whole network %(range)s") % {
            "range": network.range
        }
        whole.help_text = _("Then we need not ask again for half a year. Leave it for this alone.")
        holder = network.organisation or network.name or network.range
        acts.label = _("I act for %(holder)s") % {"holder": holder}
        acts.help_text = _("or for whoever holds this address space now.")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        kind = cleaned.get("answer")
        if kind in FOR_PREFIXES and not cleaned.get("prefixes"):
            self.add_error("prefixes", _("Tick at least one."))
        if kind == Kind.FORWARD and not cleaned.get("forward_to") and not self.errors:
            self.add_error("forward_to", _("Give the e-mail address of the one who should answer."))
        return cleaned

    def given(self) -> Given:
        """The answer, as ``actions.record_answer`` takes it."""
        cleaned = self.cleaned_data
        kind = Kind(cleaned["answer"])
        says_yes = kind in {Kind.CONFIRM, Kind.OPERATE}
        return Given(
            kind=kind,
            prefixes=cleaned["prefixes"] if kind in FOR_PREFIXES else (),
            whole_network=cleaned["whole_network"] and says_yes,
            name=cleaned["name"],
            text=cleaned["note"],
            forward_to=cleaned["forward_to"] if kind == Kind.FORWARD else "",
        )
