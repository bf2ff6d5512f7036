"""Shapes of what people send; the rules are in ``customers.actions``."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import (
    password_validators_help_texts,
    validate_password,
)
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models import Membership, Scope, User


class KindField(forms.ChoiceField):
    """Admin or member, as rows to press; nothing is chosen beforehand."""

    widget = forms.RadioSelect
    details = {
        Membership.Kind.ADMIN.value: _("Opens, escalates and withdraws tickets; manages members."),
        Membership.Kind.MEMBER.value: _("Reads the tickets and writes to the desk about them."),
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=Membership.Kind.choices, **options)


class LanguageField(forms.ChoiceField):
    """One of the languages of the desk."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("label", _("Language"))
        super().__init__(choices=settings.LANGUAGES, **options)


class InviteForm(forms.Form):
    email = forms.EmailField(
        label=_("E-mail address"),
        help_text=_("We write to it; the link in our letter is good for 7 days."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    kind = KindField(label=_("Role"))
    language = LanguageField(label=_("Language of the letter"))


class KindForm(forms.Form):
    kind = forms.ChoiceField(choices=Membership.Kind.choices)


class AcceptForm(forms.Form):
    """A new person's name and password."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=100,
        help_text=_("As your colleagues and the desk shall see it."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=_("Choose a password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    language = LanguageField(label=_("Language of pages and letters"))

    def __init__(self, *args: Any, email: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.email = email
        self.fields["password"].help_text = " ".join(password_validators_help_texts())

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if password := given.get("password"):
            person = User(email=self.email, name=given.get("name", ""))
            try:
                validate_password(password, person)
            except forms.ValidationError as error:
                self.add_error("password", error)
        return given


class ProfileForm(forms.ModelForm[User]):
    name = forms.CharField(
        label=_("Your name"),
        max_length=100,
        help_text=_("As your colleagues and the desk see it."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    language = LanguageField(label=_("Language of pages and letters"))

    class Meta:
        model = User
        fields = ["name", "language"]


class KeyForm(forms.Form):
    """What a new API key is for, what it may do, and how long."""

    LASTS = {"30": _("30 days"), "90": _("90 days"), "365": _("One year"), "0": _("Until revoked")}

    label = forms.CharField(
        label=_("What is it for?"),
        max_length=100,
        help_text=_("For example: ticket system of the service desk."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label=_("What may it do?"),
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    lasts = forms.ChoiceField(
        label=_("How long is it good?"), choices=list(LASTS.items()), widget=forms.RadioSelect
    )

    def expires_at(self) -> datetime | None:
        days = int(self.cleaned_data["lasts"])
        return timezone.now() + timedelta(days=days) if days else None


class TenantForm(forms.Form):
    """For which of a person's tenants they act."""

    tenant = forms.ChoiceField(label=_("Act for"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, places: list[Membership], **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["tenant"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 -- for the type checker
        field.choices = [(str(place.tenant_id), place.tenant.name) for place in places]
