"""The agents' desk: shows everything, and changes a state only through a step."""

import uuid
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from customers.access import actor_of
from customers.admin import OperatorsOwn
from escalation import keyset
from escalation.errors import Refused
from tickets import actions, reading
from tickets.desk import evidence, finding, history, queue, standing, steps, talks
from tickets.desk.forms import ManyForm, ProposalForm, RuleForm, StepForm
from tickets.forms import MessageForm
from tickets.lifecycle import Event
from tickets.models import Attachment, Case, CaseQuerySet, LadderRule


@admin.register(Case)
class CaseAdmin(admin.ModelAdmin[Case]):
    """Queue and case page.  Nobody adds or deletes a case, and no field can be written."""

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

    def get_queryset(self, request: HttpRequest) -> CaseQuerySet:
        return Case.objects.visible_to(actor_of(request))

    def get_urls(self) -> list[URLPattern]:
        guarded = self.admin_site.admin_view
        return [
            path("", guarded(self.changelist_view), name="tickets_case_changelist"),
            path("many/", guarded(self.many_view), name="tickets_case_many"),
            path("<int:object_id>/change/", guarded(self.change_view), name="tickets_case_change"),
            path("<int:object_id>/step/", guarded(self.step_view), name="tickets_case_step"),
            path(
                "<int:object_id>/propose/", guarded(self.propose_view), name="tickets_case_propose"
            ),
            path(
                "<int:object_id>/say/<int:talk>/", guarded(self.say_view), name="tickets_case_say"
            ),
            path(
                "<int:object_id>/history/", guarded(self.history_view), name="tickets_case_history"
            ),
            path(
                "<int:object_id>/files/<int:file>/",
                guarded(self.file_view),
                name="tickets_case_file",
            ),
        ]

    def _page(
        self, request: HttpRequest, name: str, context: dict[str, Any], status: int = 200
    ) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        template = f"admin/tickets/case/{name}.html"
        return TemplateResponse(request, template, context, status=status)

    def _case(self, request: HttpRequest, number: int | str) -> Case:
        rows = self.get_queryset(request).select_related(
            "agent", "listing", "inquiry__network__parent"
        )
        return get_object_or_404(rows, pk=number)

    # -- The queue -----------------------------------------------------------------

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return self._queue(request)

    def _queue(
        self, request: HttpRequest, form: ManyForm | None = None, status: int = 200
    ) -> HttpResponse:
        actor = actor_of(request)
        wanted, text = request.GET.get("view", "open"), request.GET.get("q", "").strip()[:200]
        view = queue.BY_NAME.get(wanted, queue.VIEWS[0])
        meant, problem = "", ""
        cases = view.narrow(self.get_queryset(request), actor)
        if text:
            try:
                cases, meant = finding.find(text)
            except Refused as refusal:
                cases, problem = Case.objects.none(), refusal.message
        by_age = text or view.name == "all"
        sheet = (queue.newest_first if by_age else queue.urgent_first)(cases, request.GET)
        context = {
            "title": _("Queue"),
            "views": queue.counts(actor),
            "view": None if text else view,
            "sheet": sheet,
            "rows": queue.rows(sheet.cases, actor),
            "q": text,
            "meant": meant,
            "problem": problem,
            "form": form or ManyForm(initial={"key": uuid.uuid4()}),
        }
        return self._page(request, "change_list", context, status)

    def many_view(self, request: HttpRequest) -> HttpResponse:
        """Take one step on the ticked cases, and report on each."""
        if request.method != "POST":
            return redirect("admin:tickets_case_changelist")
        form, chosen = ManyForm(request.POST), request.POST.getlist("case")
        if not chosen:
            messages.warning(request, _("No case was ticked, so nothing was done."))
            return redirect("admin:tickets_case_changelist")
        if not form.is_valid():
            return self._queue(request, form, status=422)
        given = form.cleaned_data
        report = steps.take_each(
            chosen, given["event"], actor_of(request), note=given["note"], key=given["key"]
        )
        return self._page(request, "report", {"title": _("What became of it"), "report": report})

    # -- One case ------------------------------------------------------------------

    def change_view(  # type: ignore[override]
        self,
        request: HttpRequest,
        object_id: int,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        return self._show(request, self._case(request, object_id))

    def _show(
        self,
        request: HttpRequest,
        case: Case,
        *,
        status: int = 200,
        problem: str = "",
        note: str = "",
        proposal: ProposalForm | None = None,
        said: tuple[int, MessageForm] | None = None,
    ) -> HttpResponse:
        actor, seen, key = actor_of(request), steps.seen_of(case), uuid.uuid4()

        def form_of(talk: int) -> MessageForm:
            if said is not None and said[0] == talk:
                return said[1]
            return MessageForm(auto_id=f"say-{talk}-%s", initial={"key": uuid.uuid4()})

        tickets = talks.tickets_of(case)
        shown = talks.shown(tickets, request.GET.get("ticket", ""))
        known = evidence.of(case, actor)
        context = {
            "title": str(case),
            "case": case,
            "actor": actor,
            "stations": standing.line(case),
            "turn": standing.turn(case, actor),
            "known": known,
            "offers": steps.offers(case, actor),
            "seen": seen,
            "key": key,
            "problem": problem,
            "note": note,
            "proposal": proposal or ProposalForm(initial={"seen": seen, "key": key}),
            "tickets": tickets,
            "shown_tickets": {ticket.pk for ticket in shown},
            "sections": talks.sections(case, shown, form_of),
            "notes": talks.notes(case, form_of),
            "owner_talk": talks.owners_words(known["ladder"]),
            **history.of(case),
        }
        return self._page(request, "change_form", context, status)

    def step_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        case = self._case(request, object_id)
        if request.method != "POST":
            return redirect(case)
        form = StepForm(request.POST)
        if not form.is_valid() or form.cleaned_data["event"] not in steps.FOLLOWS:
            problem = _("That step is not one we know.")
            return self._show(request, case, status=422, problem=problem)
        given = form.cleaned_data
        return self._take(request, case, given["event"], given, given["note"])

    def propose_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        case = self._case(request, object_id)
        if request.method != "POST":
            return redirect(case)
        form = ProposalForm(request.POST)
        if not form.is_valid():
            return self._show(request, case, status=422, proposal=form)
        return self._take(request, case, Event.PROPOSE_CONTACT, form.cleaned_data, form.note())

    def _take(
        self, request: HttpRequest, case: Case, event: str, given: dict[str, Any], note: str
    ) -> HttpResponse:
        actor, key = actor_of(request), f"{given['key']}:{event}"
        try:
            steps.take(case, event, actor, seen=given["seen"], note=note, key=key)
        except Refused as refusal:
            case = self._case(request, case.pk)
            kept = note if event != Event.PROPOSE_CONTACT else ""
            return self._show(request, case, status=409, problem=refusal.message, note=kept)
        messages.success(request, _("Done: %s.") % Event(event).label)
        return redirect(case)

    def say_view(self, request: HttpRequest, object_id: int, talk: int) -> HttpResponse:
        """Write to one party, or (``talks.NOTEBOOK``) into the agents' own notes."""
        case = self._case(request, object_id)
        if request.method != "POST":
            return redirect(case)
        form = MessageForm(request.POST, request.FILES, auto_id=f"say-{talk}-%s")
        if form.is_valid():
            given = form.cleaned_data
            try:
                conversation = talks.conversation(case, talk)
                actions.say(
                    conversation, actor_of(request), given["text"],
                    files=form.files_given(), key=given["key"],
                )  # fmt: skip
            except Refused as refusal:
                form.add_error(refusal.field or None, refusal.message)
            else:
                messages.success(request, talks.said(conversation))
                return redirect(case)
        return self._show(request, case, status=422, said=(talk, form))

    def history_view(  # type: ignore[override]
        self, request: HttpRequest, object_id: int, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        case = self._case(request, object_id)
        page = keyset.page(history.entries(case).order_by(), request.GET, history.SHOWN)
        context = {
            "title": _("History of %s") % case,
            "case": case,
            "page": page,
            "entries": history.named(page.rows),
        }
        return self._page(request, "object_history", context)

    def file_view(self, request: HttpRequest, object_id: int, file: int) -> HttpResponse:
        case = self._case(request, object_id)
        found = Attachment.objects.filter(message__conversation__case=case)
        return reading.download(get_object_or_404(found, pk=file))


@admin.register(LadderRule)
class LadderRuleAdmin(OperatorsOwn, admin.ModelAdmin[LadderRule]):
    """When a case rises by itself; agents look, superusers change."""

    form = RuleForm
    list_display = ["party", "level", "hours", "office_hours"]
    ordering = ["party", "level"]

    def has_delete_permission(self, request: HttpRequest, row: Any = None) -> bool:
        return bool(request.user.is_superuser)
