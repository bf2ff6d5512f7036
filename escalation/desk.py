"""The agents' desk: the Django admin, with our rules at its door."""

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class Desk(AdminSite):
    """Agents only, and with a second factor where the operator asks for one."""

    site_header = site_title = _("Postern desk")
    index_title = _("Desk")
    enable_nav_sidebar = False
    login_template = None

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and second_factor_done(request)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Send people to the one log-in page, or to set up their second factor."""
        if request.user.is_authenticated and request.user.is_staff:
            if not second_factor_done(request):
                return redirect("mfa_index")
            return redirect(reverse("admin:index"))
        following = request.GET.get("next", reverse("admin:index"))
        return HttpResponseRedirect(
            f"{reverse(settings.LOGIN_URL)}?next={following if following.startswith('/') else '/'}"
        )

    def index(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The desk opens on its queue."""
        return redirect("admin:tickets_case_changelist")


def second_factor_done(request: HttpRequest) -> bool:
    """Whether this session was opened with a second factor, if one is asked for."""
    if not settings.POSTERN_AGENT_MFA:
        return True
    methods = request.session.get("account_authentication_methods", [])
    return any(method.get("method") == "mfa" for method in methods)
