"""The agents' queue of incidents, and the page on which one is judged."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from abuse import chart, queries
from abuse.admin import evidence, steps
from abuse.admin.forms import ManyForm, StepForm
from abuse.admin.tables import Table, number, tenants_like
from abuse.lifecycle import INCIDENT, OPEN, Event, State
from abuse.models import Incident
from customers.access import actor_of
from escalation.errors import Refused
from escalation.templatetags.postern import moment

NEEDS_DECISION = Q(state__in=OPEN) & (
    ~Q(proposed="") | Q(state=State.ANSWERED) | Q(appealed_at__isnull=False)
)
VIEWS = {
    "decision": (gettext_lazy("need a decision"), NEEDS_DECISION),
    "restricted": (gettext_lazy("restricted"), Q(state=State.RESTRICTED)),
    "ended": (gettext_lazy("ended"), Q(state__in=INCIDENT.final)),
    "all": (gettext_lazy("all"), Q()),
}


class ViewFilter(admin.SimpleListFilter):
    """The saved views; what is open, unless somebody asks for another."""

    title = gettext_lazy("which incidents")
    parameter_name = "view"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(name, label) for name, (label, _rows) in VIEWS.items()]

    def choices(self, changelist: Any) -> Any:
        standing, *others = super().choices(changelist)
        yield {**standing, "display": _("open")}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Incident]) -> QuerySet[Incident]:
        view = VIEWS.get(self.value() or "")
        return queryset.filter(view[1] if view else Q(state__in=OPEN))


@admin.register(Incident)
class IncidentAdmin(Table[Incident]):
    """Nobody adds, writes or deletes an incident: it changes by steps alone."""

    list_display = (
        "tenant", "feedback_class", "state", "since", "enrolled", "anonymous", "claims",
        "proposed", "last_report",
    )  # fmt: skip
    list_filter = (ViewFilter, "feedback_class")
    list_select_related = ("tenant",)
    ordering = ["-last_report_at", "-pk"]
    search_fields = ("tenant__name",)
    search_help_text = gettext_lazy(
        "The beginning of a tenant’s name, one of its domains, or a number"
    )
    actions = ("warn", "ask", "resolve", "dismiss")

    @admin.display(description=gettext_lazy("since"), ordering="state_since")
    def since(self, incident: Incident) -> str:
        return moment(incident.state_since, "short")

    @admin.display(description=gettext_lazy("last report"), ordering="last_report_at")
    def last_report(self, incident: Incident) -> str:
        return moment(incident.last_report_at, "short")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Incident], search_term: str
    ) -> tuple[QuerySet[Incident], bool]:
        if not (term := search_term.strip()):
            return queryset, False
        return queryset.filter(Q(tenant__in=tenants_like(term)) | Q(pk=number(term))), False

    def get_urls(self) -> list[URLPattern]:
        step = self.admin_site.admin_view(self.step_view)
        return [
            path("<int:pk>/step/", step, name="abuse_incident_step"),
            *super().get_urls(),
        ]

    def _page(
        self, request: HttpRequest, name: str, context: dict[str, Any], status: int = 200
    ) -> TemplateResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        template = f"admin/abuse/incident/{name}.html"
        return TemplateResponse(request, template, context, status=status)

    # -- One incident --------------------------------------------------------------

    def _incident(self, pk: int) -> Incident:
        return get_object_or_404(Incident.objects.select_related("tenant"), pk=pk)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        return self._show(request, self._incident(number(object_id)))

    def _show(
        self,
        request: HttpRequest,
        incident: Incident,
        *,
        status: int = 200,
        problem: str = "",
        tried: str = "",
        note: str = "",
    ) -> HttpResponse:
        entries, has_earlier = evidence.history(incident)
        context = {
            "title": str(incident),
            "incident": incident,
            "domains": list(incident.tenant.domains.order_by("name")[:20]),
            "reports": evidence.reports(incident),
            "chart": chart.chart(queries.days(incident=incident)),
            "thresholds": evidence.thresholds(incident),
            "offers": steps.offers(incident, actor_of(request)),
            "words": evidence.tenants_words(incident),
            "calls": list(incident.hook_calls.order_by("-pk")[: evidence.SHOWN_CALLS]),
            "has_hook": bool(settings.POSTERN_RESTRICT_HOOK),
            "entries": entries,
            "has_earlier": has_earlier,
            "seen": steps.seen_of(incident),
            "key": uuid.uuid4(),
            "problem": problem,
            "tried": tried,
            "note": note,
        }
        return self._page(request, "change_form", context, status)

    def step_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take one step; where it is refused, the page says why and keeps the note."""
        incident = self._incident(pk)
        if request.method != "POST":
            return redirect("admin:abuse_incident_change", pk)
        form = StepForm(request.POST)
        if not form.is_valid() or form.cleaned_data["event"] not in steps.FOLLOWS:
            problem = _("That step is not one we know, or its note is too long.")
            return self._show(request, incident, status=422, problem=problem)
        given = form.cleaned_data
        event, note = given["event"], given["note"]
        try:
            steps.take(
                incident, event, actor_of(request), seen=given["seen"], note=note,
                key=f"{given['key']}:{event}",
            )  # fmt: skip
        except Refused as refusal:
            return self._show(
                request, self._incident(pk), status=409, problem=refusal.message, tried=event,
                note=note,
            )  # fmt: skip
        messages.success(request, _("Done: %s.") % Event(event).label)
        return redirect("admin:abuse_incident_change", pk)

    # -- Many at once --------------------------------------------------------------

    def _many(
        self, request: HttpRequest, queryset: QuerySet[Incident], event: Event
    ) -> HttpResponse | None:
        """First a page that shows how many, and asks for the note; then the step on each."""
        chosen = list(queryset[: steps.MOST + 1])
        if not chosen or len(chosen) > steps.MOST:
            words = _("Choose 1 to %d incidents: nothing was done.") % steps.MOST
            self.message_user(request, words, messages.WARNING)
            return None
        sent = request.POST if "key" in request.POST else None
        form = ManyForm(sent, event=event, initial={"key": uuid.uuid4()})
        if form.is_valid():
            given = form.cleaned_data
            actor = actor_of(request)
            told = steps.take_each(chosen, event, actor, note=given["note"], key=given["key"])
            self._tell(request, told, event)
            return None
        context = {
            "title": event.label,
            "event": event,
            "follows": steps.follows(event),
            "chosen": chosen,
            "action": request.POST["action"],
            "form": form,
        }
        return self._page(request, "many", context, 422 if form.is_bound else 200)

    def _tell(self, request: HttpRequest, told: steps.Told, event: Event) -> None:
        for incident, words in told.refused:
            self.message_user(request, f"{incident}: {words}", messages.ERROR)
        if told.n_done:
            done = ngettext(
                "%(n)d incident done: %(step)s.", "%(n)d incidents done: %(step)s.", told.n_done
            )
            words = done % {"n": told.n_done, "step": event.label}
            self.message_user(request, words, messages.SUCCESS)

    @admin.action(description=Event.WARN.label, permissions=["act"])
    def warn(self, request: HttpRequest, queryset: QuerySet[Incident]) -> HttpResponse | None:
        return self._many(request, queryset, Event.WARN)

    @admin.action(description=Event.ASK.label, permissions=["act"])
    def ask(self, request: HttpRequest, queryset: QuerySet[Incident]) -> HttpResponse | None:
        return self._many(request, queryset, Event.ASK)

    @admin.action(description=Event.RESOLVE.label, permissions=["act"])
    def resolve(self, request: HttpRequest, queryset: QuerySet[Incident]) -> HttpResponse | None:
        return self._many(request, queryset, Event.RESOLVE)

    @admin.action(description=Event.DISMISS.label, permissions=["act"])
    def dismiss(self, request: HttpRequest, queryset: QuerySet[Incident]) -> HttpResponse | None:
        return self._many(request, queryset, Event.DISMISS)
