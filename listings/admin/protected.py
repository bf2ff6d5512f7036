"""What must never be listed, at the desk: agents look, the operator adds and ends."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from customers.access import actor_of
from escalation import prefixes
from escalation.errors import Refused
from escalation.paging import UncountedPaginator
from listings.admin.lists import SearchedByPrefix
from listings.models import Listing, Protected

COUNTED = 1000  # listings that are counted one by one


class ProtectedForm(forms.ModelForm[Protected]):
    """A prefix, whose it is, and where that is from."""

    class Meta:
        model = Protected
        fields = ("prefix", "kind", "tenant", "note")

    def clean_prefix(self) -> str:
        try:
            prefix = prefixes.parse_prefix(self.cleaned_data["prefix"])
        except Refused as refusal:
            raise forms.ValidationError(refusal.message) from refusal
        if Protected.objects.live().filter(prefix=str(prefix)).exists():
            raise forms.ValidationError(_("%s is protected already.") % prefixes.shown(prefix))
        return str(prefix)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("kind") == Protected.Kind.TENANT and given.get("tenant") is None:
            self.add_error("tenant", _("Say which tenant's it is."))
        return given


@admin.register(Protected)
class ProtectedAdmin(SearchedByPrefix[Protected]):
    form = ProtectedForm
    list_display = ("prefix", "kind", "tenant", "note", "added_at", "ended_at")
    list_filter = ("kind", ("ended_at", admin.EmptyFieldListFilter))
    list_select_related = ("tenant",)
    list_per_page = 50
    ordering = ("-pk",)
    paginator = UncountedPaginator
    show_full_result_count = False
    actions = ("end",)

    def get_fields(self, request: HttpRequest, obj: Protected | None = None) -> Any:
        own = ProtectedForm.Meta.fields
        return own if obj is None else (*own, "added_by", "added_at", "ended_at")

    def has_add_permission(self, request: HttpRequest, row: Any = None) -> bool:
        return bool(request.user.is_superuser) and self.has_view_permission(request)

    def has_end_permission(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request)

    def save_model(self, request: HttpRequest, obj: Protected, form: Any, change: bool) -> None:
        """What is listed in it already stays so, and is said: nothing is let in by the way."""
        prefix = prefixes.parse_prefix(obj.prefix)
        obj.family, obj.length = prefix.version, prefix.prefixlen
        obj.first = prefixes.key(prefix.network_address)
        obj.added_by = actor_of(request).person()
        super().save_model(request, obj, form, change)
        listed = Listing.objects.enforced().touching(prefix).order_by()[:COUNTED].count()
        if listed:
            words = ngettext(
                "%d listing touches it, and stays until it is let in.",
                "%d listings touch it, and stay until they are let in.",
                listed,
            )
            self.message_user(request, words % listed, messages.WARNING)

    @admin.action(description=gettext_lazy("End the protection"), permissions=["end"])
    def end(self, request: HttpRequest, queryset: "QuerySet[Protected]") -> None:
        for row in queryset:
            self.log_change(request, row, _("protection ended"))
        n = queryset.filter(ended_at=None).update(ended_at=timezone.now())
        words = ngettext("%d protection ended.", "%d protections ended.", n)
        self.message_user(request, words % n, messages.SUCCESS)
