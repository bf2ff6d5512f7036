"""Reports at the desk: found, read with all that speaks for them, given to a tenant by hand."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from abuse import assigning, closing
from abuse.admin import evidence
from abuse.admin.forms import AssignForm
from abuse.admin.tables import Table, number
from abuse.filing import MOST_EVIDENCE
from abuse.kinds import FOR_AGENTS, Filed
from abuse.models import Report
from abuse.models.reports import WAITS_FOR_AGENT
from customers.access import actor_of
from escalation import prefixes
from escalation.errors import Refused
from listings.admin.rows import one_by_one
from mailroom.recipients import domain_name

LARGE = ("evidence", "facts", "why")  # what no list needs


class LeftFilter(admin.SimpleListFilter):
    """What is left to agents."""

    title = gettext_lazy("left to agents")
    parameter_name = "left"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("waits for an agent")), ("closed", _("closed by an agent"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Report]) -> QuerySet[Report]:
        if self.value() == "open":
            return queryset.filter(WAITS_FOR_AGENT)
        if self.value() == "closed":
            return queryset.filter(closed_at__isnull=False)
        return queryset


@admin.register(Report)
class ReportAdmin(Table[Report]):
    """Nobody adds, writes or deletes a report."""

    list_display = (
        "shown", "filed", "strength", "feedback_class", "tenant", "source_address", "from_domain",
        "reporter_email", "read_at",
    )  # fmt: skip
    list_filter = (LeftFilter, "filed", "strength", "feedback_class")
    list_select_related = ("tenant",)
    actions = ("close", "open_again")
    search_fields = ("pk",)
    search_help_text = gettext_lazy("An address that it came from, a sender’s domain, or a number")

    @admin.display(description=gettext_lazy("subject"))
    def shown(self, report: Report) -> str:
        return str(report)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Report]:
        return super().get_queryset(request).defer(*LARGE)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Report], search_term: str
    ) -> tuple[QuerySet[Report], bool]:
        term = search_term.strip()
        return (queryset.filter(meant(term)) if term else queryset), False

    def get_urls(self) -> list[URLPattern]:
        assign = self.admin_site.admin_view(self.assign_view)
        close = self.admin_site.admin_view(self.closing_view)
        return [
            path("<int:pk>/assign/", assign, name="abuse_report_assign"),
            path("<int:pk>/closing/", close, name="abuse_report_closing"),
            *super().get_urls(),
        ]

    @admin.action(description=gettext_lazy("Close: it has been dealt with"), permissions=["act"])
    def close(self, request: HttpRequest, queryset: QuerySet[Report]) -> None:
        agent = actor_of(request)
        one_by_one(self, request, queryset, lambda row: closing.close(row, agent), _("closed"))

    @admin.action(description=gettext_lazy("Open again"), permissions=["act"])
    def open_again(self, request: HttpRequest, queryset: QuerySet[Report]) -> None:
        one_by_one(self, request, queryset, closing.open_again, _("open again"))

    def closing_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Close what is left to agents, or open it again: the two buttons of its page."""
        if request.method == "POST":
            act = self.open_again if "again" in request.POST else self.close
            act(request, Report.objects.filter(pk=get_object_or_404(Report, pk=pk).pk))
        return redirect("admin:abuse_report_change", pk)

    def _report(self, pk: int) -> Report:
        rows = Report.objects.select_related("received", "tenant", "incident", "enrolled", "letter")
        return get_object_or_404(rows.defer("received__raw"), pk=pk)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        return self._show(request, self._report(number(object_id)))

    def _show(
        self, request: HttpRequest, report: Report, form: AssignForm | None = None
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": str(report),
            "row": evidence.shown(report, MOST_EVIDENCE),
            "received": report.received,
            "is_for_agents": report.filed in FOR_AGENTS,
            "form": (form or AssignForm()) if report.filed == Filed.NO_TENANT else None,
        }
        status = 422 if form and form.errors else 200
        return TemplateResponse(
            request, "admin/abuse/report/change_form.html", context, status=status
        )

    def assign_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give a report that is ours and nobody's to the tenant whose mail it was."""
        report = self._report(pk)
        if request.method != "POST":
            return redirect("admin:abuse_report_change", pk)
        form = AssignForm(request.POST)
        if not form.is_valid():
            return self._show(request, report, form)
        given = form.cleaned_data
        try:
            row = assigning.assign(report, given["tenant"], actor_of(request), given["note"])
        except Refused as refusal:
            messages.error(request, refusal.message)
        else:
            words = _("Given to a tenant (%(tenant)s): %(filed)s.")
            words %= {"tenant": row.tenant, "filed": row.get_filed_display()}
            self.log_change(request, row, words)
            messages.success(request, words)
        return redirect("admin:abuse_report_change", pk)


def meant(term: str) -> Q:
    """The reports that ``term`` means: the first of these that it can be."""
    if pk := number(term):
        return Q(pk=pk)
    try:
        prefix = prefixes.parse_prefix(term)
    except Refused:
        return Q(from_domain=domain_name(term.rpartition("@")[2].rstrip(".")) or "-")
    if prefix.num_addresses > 1:
        return Q(pk__in=[])
    return Q(source_address=str(prefix.network_address))
