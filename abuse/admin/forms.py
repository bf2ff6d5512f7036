"""Forms of the abuse desk: shape only; the actions decide."""

import re
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from abuse.admin.steps import LONGEST_NOTE, NEEDS_NOTE
from abuse.assigning import LONGEST_NOTE as LONGEST_REASON
from abuse.assigning import NoSuchTenant, tenant_named
from abuse.kinds import MAKES_INCIDENT, FeedbackClass
from abuse.lifecycle import TELLS_TENANT, Event
from abuse.models import AddressRange, Reporter, SigningKey, Threshold
from abuse.signatures import public_key
from customers.models import Tenant
from mailroom.recipients import domain_name

LONGEST_WINDOW: Final = 90  # days
MOST_SERVERS: Final = 20  # domains of a reporter's own mail servers
_GAP: Final = re.compile(r'"\s*"|[\r\n]\s*')  # between the pieces of a TXT record
LEAST_RATE: Final = Decimal("0.01")  # reporters for 1,000 messages; 0 would always be reached


class StepForm(forms.Form):
    """One step of an agent, with the incident as they saw it."""

    event = forms.ChoiceField(choices=Event.choices)
    note = forms.CharField(required=False, max_length=LONGEST_NOTE)
    seen = forms.CharField(max_length=30)
    key = forms.CharField(max_length=60)


class ManyForm(forms.Form):
    """One step on many incidents, with one note."""

    note = forms.CharField(
        label=gettext_lazy("Note"), max_length=LONGEST_NOTE, widget=forms.Textarea({"rows": 3})
    )
    key = forms.CharField(max_length=60, widget=forms.HiddenInput)

    def __init__(self, *args: Any, event: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        note = self.fields["note"]
        note.required = event in NEEDS_NOTE
        note.help_text = (
            _("Each of the tenants reads it.") if event in TELLS_TENANT
            else _("One note for all of them. It stays at the desk.")
        )  # fmt: skip


class AssignForm(forms.Form):
    """Whose mail it was, and how the agent knows."""

    tenant = forms.CharField(
        label=gettext_lazy("Tenant"),
        help_text=gettext_lazy("One of its domains, or its whole name."),
        max_length=253,
    )
    note = forms.CharField(
        label=gettext_lazy("How you know"),
        help_text=gettext_lazy("It stays at the desk."),
        max_length=LONGEST_REASON,
        widget=forms.Textarea({"rows": 2}),
    )

    def clean_tenant(self) -> Tenant:
        try:
            return tenant_named(self.cleaned_data["tenant"])
        except NoSuchTenant as refusal:
            raise forms.ValidationError(refusal.message) from refusal


class ThresholdForm(forms.ModelForm[Threshold]):
    """When a step is due from now on."""

    window_days = forms.IntegerField(
        label=gettext_lazy("days that count"), min_value=1, max_value=LONGEST_WINDOW
    )
    enrolled = forms.IntegerField(
        label=gettext_lazy("enrolled reporters"), min_value=1, max_value=10**6, required=False,
        help_text=gettext_lazy("where no volume is known; empty: never by this number"),
    )  # fmt: skip
    anonymous = forms.IntegerField(
        label=gettext_lazy("other reporters"), min_value=1, max_value=10**6, required=False,
        help_text=gettext_lazy("where no volume is known; empty: never by this number"),
    )  # fmt: skip
    per_1000 = forms.DecimalField(
        label=gettext_lazy("reporters per 1,000 messages"), min_value=LEAST_RATE, max_value=1000,
        max_digits=6, decimal_places=2, required=False,
        help_text=gettext_lazy("where the volume is known; empty: the numbers above decide"),
    )  # fmt: skip

    class Meta:
        model = Threshold
        fields = (
            "step", "feedback_class", "window_days", "enrolled", "anonymous", "per_1000",
            "is_automatic", "note",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "note" in self.fields:  # an ended row is only looked at
            self.initial["note"] = ""  # each change has a reason of its own
            self.fields["note"].required = True
        if "feedback_class" in self.fields:
            own = [(kind.value, kind.label) for kind in FeedbackClass if kind in MAKES_INCIDENT]
            self.fields["feedback_class"] = forms.ChoiceField(
                label=gettext_lazy("class"), choices=[("", _("every class")), *own], required=False
            )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if "step" in given and self.instance.pk is None:
            same = Q(step=given["step"], feedback_class=given.get("feedback_class", ""))
            if Threshold.objects.live().filter(same).exists():
                raise forms.ValidationError(
                    _("There is a threshold for this step and class already: change that one.")
                )
        return given


class DatedForm(forms.ModelForm[Any]):
    """What was so from one day to another."""

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        since = given.get("valid_from") or self.instance.valid_from
        if (until := given.get("valid_until")) and since and until <= since:
            self.add_error("valid_until", _("The end comes after the beginning."))
        return given


class SigningKeyForm(DatedForm):
    class Meta:
        model = SigningKey
        fields = ("tenant", "domain", "selector", "record", "valid_from", "valid_until")

    def clean_record(self) -> str:
        """On one line, as the DNS joins it: people paste it in quoted pieces."""
        record = _GAP.sub("", self.cleaned_data["record"]).strip(' "')
        if public_key(record) is None:
            raise forms.ValidationError(
                _("This is no DKIM key: paste the TXT record, as in v=DKIM1; k=rsa; p=…")
            )
        return record


class AddressRangeForm(DatedForm):
    class Meta:
        model = AddressRange
        fields = ("tenant", "prefix", "valid_from", "valid_until")


class ReporterForm(forms.ModelForm[Reporter]):
    class Meta:
        model = Reporter
        fields = ("name", "domain", "mailbox", "border")

    def clean_border(self) -> str:
        named = self.cleaned_data["border"].replace(",", " ").split()
        wrong = [name for name in named if not domain_name(name.rstrip("."))]
        if wrong or len(named) > MOST_SERVERS:
            raise forms.ValidationError(
                _("Write at most %d domain names, with spaces between them.") % MOST_SERVERS
            )
        return " ".join(domain_name(name.rstrip(".")) for name in named)
