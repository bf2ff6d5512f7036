"""The tenant's pages: what is reported of its mail, what is asked of it, its answers."""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from abuse import actions, arf, chart, copies, loops, queries, stations
from abuse.kinds import PROVED, REASONS
from abuse.lifecycle import INCIDENT, TENANT, Event
from abuse.models import Incident, Loop, Report
from abuse.tenant_forms import FilterForm, LoopForm, StatementForm
from customers.access import actor_of, own_membership
from escalation import keyset
from escalation.actors import CUSTOMER, Actor, Role
from escalation.errors import Refused
from escalation.limits import Limit

ENDED: Final = 5  # incidents that have ended and are still shown
SAMPLES: Final = 5  # reports shown with an incident
HISTORY: Final = 200  # steps shown of an incident
LOOPS: Final = 100  # feedback loops shown
SUBSCRIBING: Final = Limit("abuse-loop-tenant", most=10, seconds=24 * 3600)
OFFERED: Final = (Event.ANSWER, Event.APPEAL)
View = Callable[..., HttpResponse]


def for_tenants(view: View) -> View:
    """Call ``view(request, actor, …)`` for whoever acts for a tenant; agents go to the desk."""

    @login_required
    @wraps(view)
    def entered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        actor = actor_of(request)
        if actor.role == Role.AGENT:
            return redirect("admin:abuse_incident_changelist")
        if actor.role not in CUSTOMER or actor.tenant_id is None:
            raise Http404
        return view(request, actor, *args, **kwargs)

    return entered


# -- All that is reported -----------------------------------------------------------


@require_safe
@for_tenants
def junk_list(request: HttpRequest, actor: Actor) -> HttpResponse:
    return _show_list(request, actor)


def _show_list(
    request: HttpRequest, actor: Actor, form: LoopForm | None = None, **kwargs: Any
) -> HttpResponse:
    tenant = own_membership(request).tenant
    incidents = Incident.objects.visible_to(actor).order_by("-last_report_at", "-pk")
    ended = incidents.filter(state__in=INCIDENT.final)[:ENDED]
    asked = FilterForm(request.GET or None)
    found = keyset.page(queries.narrowed(queries.told(actor), **asked.wish()), request.GET)
    is_admin = actor.role == Role.ADMIN
    own = list(tenant.domains.order_by("name")[:2])
    context = {
        "tenant": tenant,
        "incidents": [
            {"incident": row, "turn": stations.turn(row)} for row in [*incidents.open(), *ended]
        ],
        "reports": [_row(report) for report in found.rows],
        "page": found,
        "asked": asked,
        "narrowed": any(asked.wish().values()),
        "chart": chart.chart(queries.days(tenant=tenant)),
        "is_admin": is_admin,
        "loops": _loops(actor) if is_admin else [],
        "has_domains": bool(own),
        "form": form or LoopForm(initial={"domain": own[0].name if len(own) == 1 else ""}),
    }
    return render(request, "abuse/junk_list.html", context, **kwargs)


def _row(report: Report) -> dict[str, Any]:
    return {
        "report": report,
        "subject": arf.subject(report),
        "strength": stations.STRENGTHS.get(report.strength, ""),
        "is_proved": report.strength in PROVED,
    }


# -- One incident -------------------------------------------------------------------


@require_safe
@for_tenants
def incident(request: HttpRequest, actor: Actor, pk: int) -> HttpResponse:
    return _show_incident(request, actor, _incident(actor, pk))


def _incident(actor: Actor, pk: int) -> Incident:
    """The incident, if it is the tenant's own; else the same 404 as for none."""
    rows = Incident.objects.visible_to(actor).select_related("tenant")
    return get_object_or_404(rows, pk=pk)


def _show_incident(
    request: HttpRequest,
    actor: Actor,
    row: Incident,
    form: StatementForm | None = None,
    **kwargs: Any,
) -> HttpResponse:
    entries = list(row.entries.select_related("user").order_by("-pk")[:HISTORY])[::-1]
    reports = queries.told(actor).filter(incident=row).order_by("-pk")[:SAMPLES]
    event, reason = _offer(row, actor)
    context = {
        "incident": row,
        "stations": stations.line(row, entries),
        "turn": stations.turn(row),
        "talk": [
            {
                "party": step["party"],
                "author": step["by"],
                "when": step["happened_at"],
                "text": "\n\n".join(filter(None, (str(step["said"]), step["note"]))),
            }
            for step in stations.history(entries)
        ],
        "chart": chart.chart(queries.days(incident=row)),
        "samples": [{**_row(report), "message": arf.redacted(report)} for report in reports],
        "event": event,
        "reason": reason,
        "asks_admin": actor.role != Role.ADMIN and _is_for_admins(row),
        "form": form or StatementForm(initial={"event": event, "key": uuid.uuid4()}),
    }
    return render(request, "abuse/incident.html", context, **kwargs)


def _offer(row: Incident, actor: Actor) -> tuple[str, str]:
    """The step that the table opens to the tenant, and what is in its way; "" for none."""
    for step, reason in INCIDENT.steps_for(row, actor):
        if step.event in OFFERED:
            return step.event, reason
    return "", ""


def _is_for_admins(row: Incident) -> bool:
    return any(
        row.state in step.sources and step.roles == TENANT for step in INCIDENT.transitions
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@for_tenants
def step(request: HttpRequest, actor: Actor, pk: int) -> HttpResponse:
    """Give a statement or appeal; where it is refused, the page keeps the words."""
    row = _incident(actor, pk)
    if request.method != "POST":  # a reload of the answer to a form
        return redirect("junk:incident", pk)
    form = StatementForm(request.POST)
    if not form.is_valid():
        return _show_incident(request, actor, row, form, status=422)
    given = form.cleaned_data
    try:
        key = actor.own_key(given["key"], pk)
        actions.take_step(row, given["event"], actor, note=given["note"], key=key)
    except Refused as refusal:
        form.add_error(None, refusal.message)
        return _show_incident(request, actor, row, form, status=refusal.status)
    messages.success(request, _("Sent to the desk."))
    return redirect("junk:incident", pk)


# -- One report ---------------------------------------------------------------------


@require_safe
@for_tenants
def report(request: HttpRequest, actor: Actor, pk: int) -> HttpResponse:
    row = get_object_or_404(queries.told(actor).select_related("incident"), pk=pk)
    context = {
        **_row(row),
        "incident": row.incident,
        "reasons": [REASONS[code] for code in row.why if code in REASONS],
        "message_id": arf.message_id(row),
        "message": arf.redacted(row),
    }
    return render(request, "abuse/junk_report.html", context)


@require_safe
@for_tenants
def copy(request: HttpRequest, actor: Actor, pk: int) -> HttpResponse:
    """The redacted report as a file: only ever a download, never shown in our origin."""
    row = get_object_or_404(queries.told(actor).exclude(evidence=""), pk=pk)
    response = HttpResponse(copies.eml(row), content_type="message/rfc822")
    response["Content-Disposition"] = f'attachment; filename="report-{row.pk}.eml"'
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


# -- Feedback loops -----------------------------------------------------------------


def _loops(actor: Actor) -> list[Loop]:
    return list(Loop.objects.visible_to(actor).live().order_by("domain", "email")[:LOOPS])


def _check_admin(actor: Actor) -> None:
    if actor.role != Role.ADMIN:
        raise PermissionDenied


@require_http_methods(["GET", "HEAD", "POST"])
@for_tenants
def subscribe(request: HttpRequest, actor: Actor) -> HttpResponse:
    if request.method != "POST":
        return redirect("junk:list")
    _check_admin(actor)
    form = LoopForm(request.POST)
    if not form.is_valid():
        return _show_list(request, actor, form, status=422)
    given = form.cleaned_data
    try:
        SUBSCRIBING.take(str(actor.tenant_id))
        loops.subscribe(own_membership(request).tenant, given["domain"], given["email"])
    except Refused as refusal:
        form.add_error(None, refusal.message)
        return _show_list(request, actor, form, status=refusal.status)
    messages.success(request, _("The copies begin now. We have written to the mailbox."))
    return redirect("junk:list")


@require_http_methods(["GET", "HEAD", "POST"])
@for_tenants
def end_loop(request: HttpRequest, actor: Actor, pk: int) -> HttpResponse:
    loop = get_object_or_404(Loop.objects.visible_to(actor), pk=pk)
    if request.method == "POST":
        _check_admin(actor)
        loops.end(loop)
        messages.success(request, _("No more copies go to this mailbox."))
    return redirect("junk:list")
