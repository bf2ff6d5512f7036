"""The agents' desk: the Django admin, with our rules at its door."""

from typing import Any
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite, SimpleListFilter
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.translation import gettext_lazy as _

from escalation import health


class ForAgents:
    """Every agent may look; nobody changes or deletes a row but through an action."""

    admin_site: Any

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, row: Any = None) -> bool:
        return bool(self.admin_site.has_permission(request))

    def has_act_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest, row: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, row: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, row: Any = None) -> bool:
        return False


class InForce(SimpleListFilter):
    """Of a table whose rows end and are never deleted: those in force, unless all are asked for."""

    title = _("which rows")
    parameter_name = "rows"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("all", _("also ended"))]

    def choices(self, changelist: Any) -> Any:
        everything, *others = super().choices(changelist)
        yield {**everything, "display": _("in force")}
        yield from others

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        return queryset if self.value() == "all" else queryset.filter(ended_at=None)


class Desk(AdminSite):
    """Agents only, and with a second factor where the operator asks for one."""

    site_header = site_title = _("Postern desk")
    index_title = _("Desk")
    enable_nav_sidebar = False
    login_template = None

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and second_factor_done(request)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Send people to the one log-in page, or to their second factor.

        Whoever is signed in and no agent learns nothing of the desk.
        """
        following = request.GET.get("next", reverse("admin:index"))
        query = urlencode({"next": following if following.startswith("/") else "/"})
        if not request.user.is_authenticated:
            return redirect(f"{reverse(settings.LOGIN_URL)}?{query}")
        if not (request.user.is_active and request.user.is_staff):
            raise Http404
        if second_factor_done(request):
            return redirect("admin:index")
        if is_mfa_enabled(request.user):
            return redirect(f"{reverse('mfa_reauthenticate')}?{query}")
        messages.warning(request, _("The desk opens only with a second factor: set it up first."))
        return redirect("mfa_activate_totp")

    def index(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The desk opens on its queue."""
        return redirect("admin:tickets_case_changelist")

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [
            path("health/", self.admin_view(self.health), name="health"),
            path("more/", self.admin_view(self.more), name="more"),
            *super().get_urls(),
        ]

    def more(self, request: HttpRequest) -> HttpResponse:
        """Everything else that can be looked at, by app."""
        return super().index(request)

    def health(self, request: HttpRequest) -> HttpResponse:
        """What the health checks find, for people."""
        groups = [
            (_("The service"), health.findings_of(health.service_checks())),
            (_("The work in the background"), health.findings_of(health.JOBS.items())),
        ]
        states = {found["state"] for _name, group in groups for found in group.values()}
        worst = next((state for state in ("trouble", "caution") if state in states), "ok")
        context = {
            **self.each_context(request),
            "title": _("Health"),
            "groups": groups,
            "worst": worst,
        }
        return TemplateResponse(request, "admin/health.html", context)


def second_factor_done(request: HttpRequest) -> bool:
    """Whether this person showed a second factor in this session, and has it still.

    True where the operator asks for none.
    """
    if not settings.POSTERN_AGENT_MFA:
        return True
    shown = get_authentication_records(request, request.user)
    return any(record["method"] == "mfa" for record in shown) and is_mfa_enabled(request.user)
