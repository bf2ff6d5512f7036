"""The tenant's page of refused correspondents."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from customers.access import actor_of, own_membership
from escalation.actors import CUSTOMER, Role
from tickets import refused as rows


@require_safe
@login_required
def refused(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    if actor.role == Role.AGENT:
        return redirect("admin:index")
    if actor.role not in CUSTOMER:
        raise Http404
    tenant = own_membership(request).tenant
    context = {
        "tenant": tenant,
        "found": rows.page(actor, request.GET),
        "periods": rows.PERIODS,
        "is_first": "before" not in request.GET,
        "has_domains": tenant.domains.exists(),
        "may_open": actor.role == Role.ADMIN,
    }
    return render(request, "tickets/refused.html", context)
