"""The operator's view of tenants, people and keys."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import actions
from customers.access import actor_of
from customers.models import ApiKey, Domain, Membership, Tenant, User


class NoGuessing:
    """Lists that cannot be narrowed by what is kept of a secret, letter by letter."""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        if lookup.startswith(("password", "digest")):
            return False
        allowed: bool = super().lookup_allowed(lookup, value, request)  # type: ignore[misc]
        return allowed


class OperatorsOwn:
    """Agents look, superusers add and change, nobody deletes."""

    def has_view_permission(self, request: HttpRequest, row: Any = None) -> bool:
        return bool(request.user.is_staff)

    def has_add_permission(self, request: HttpRequest, row: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, row: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, row: Any = None) -> bool:
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_staff)


class MembershipInline(OperatorsOwn, admin.TabularInline[Membership, Tenant]):
    model = Membership
    extra = 1
    autocomplete_fields = ["user"]
    readonly_fields = ["joined_at"]


class DomainInline(OperatorsOwn, admin.TabularInline[Domain, Tenant]):
    model = Domain
    extra = 1


@admin.register(Tenant)
class TenantAdmin(OperatorsOwn, admin.ModelAdmin[Tenant]):
    list_display = ["name", "created_at"]
    search_fields = ["name", "domains__name"]
    readonly_fields = ["created_at"]
    inlines = [DomainInline, MembershipInline]
    show_full_result_count = False


@admin.register(User)
class UserAdmin(NoGuessing, OperatorsOwn, admin.ModelAdmin[User]):
    """People.  They set their own password, by “Forgot your password?” on the log-in page."""

    list_display = ["email", "name", "is_staff", "level", "is_active"]
    list_filter = ["is_staff", "is_active"]
    search_fields = ["email", "name"]
    ordering = ["email"]
    fields = [
        "email", "name", "language", "is_staff", "level", "is_superuser", "is_active",
        "date_joined", "last_login",
    ]  # fmt: skip
    readonly_fields = ["date_joined", "last_login"]
    show_full_result_count = False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)


@admin.register(ApiKey)
class ApiKeyAdmin(NoGuessing, admin.ModelAdmin[ApiKey]):
    """Keys, to be looked at and revoked."""

    list_display = ["label", "tenant", "user", "prefix", "standing", "last_used_at", "expires_at"]
    list_select_related = ["tenant", "user"]
    search_fields = ["label", "prefix", "tenant__name", "user__email"]
    ordering = ["-created_at"]
    exclude = ["digest"]
    actions = ["revoke"]
    show_full_result_count = False

    @admin.display(description=gettext_lazy("status"))
    def standing(self, key: ApiKey) -> str:
        return {"live": _("live"), "expired": _("expired"), "revoked": _("revoked")}[key.status]

    def has_view_permission(self, request: HttpRequest, row: Any = None) -> bool:
        return bool(request.user.is_staff)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_staff)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, row: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, row: Any = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    @admin.action(description=gettext_lazy("Revoke the chosen keys"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, keys: "QuerySet[ApiKey]") -> None:
        actor = actor_of(request)
        for key in keys:
            actions.revoke_key(key, actor)
        messages.success(request, _("Revoked: %(n)d.") % {"n": len(keys)})
