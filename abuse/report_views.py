"""The reporter's pages: hand mails in, and see by a link what became of them; open to anybody."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_safe

from abuse import outcome, uploads
from abuse.forms import ReportForm
from escalation.errors import Refused
from escalation.limits import visitor
from escalation.unseen import unseen, with_form
from mailroom.models import Channel, Purpose
from mailroom.receiving import MAX_BYTES


@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    """The form.  What it takes is kept before the answer; the script gets the address as JSON."""
    if request.method != "POST":
        return _ask(request, ReportForm())
    form = ReportForm(request.POST, request.FILES)
    if not form.is_valid():
        return _ask(request, form, 422)
    who = visitor(request)
    try:
        uploads.admit(uploads.BY_FORM, who, [len(raw) for raw in form.mails()])
    except Refused as refusal:
        form.add_error(None, refusal.message)
        return _ask(request, form, refusal.status)
    taken = uploads.take(
        form.mails(), purpose=Purpose(form.cleaned_data["purpose"]), channel=Channel.WEB,
        who=uploads.who(who), language=get_language() or "",
    )  # fmt: skip
    if not taken.new:
        return render(request, "abuse/known.html", {"words": uploads.in_words(taken.known)})
    if taken.known:
        messages.info(request, uploads.in_words(taken.known))
    place = reverse("abuse:outcome", args=[taken.token])
    if request.headers.get("X-Requested-With") == "XMLHttpRequest":
        return JsonResponse({"url": place}, status=201)
    return redirect(place)


def _ask(request: HttpRequest, form: ReportForm, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "most_files": uploads.MOST_FILES,
        "most_each": MAX_BYTES,
        "most_text": uploads.MOST_TEXT,
        "most_mib": settings.POSTERN_REPORT_MIB,
        "most_all": settings.POSTERN_REPORT_MIB * uploads.MIB,
    }
    return render(request, "abuse/report.html", context, status=status)


@unseen
@require_safe
def outcome_page(request: HttpRequest, token: str) -> HttpResponse:
    """What became of the mails of one upload, or of one mail to us."""
    rows = outcome.lines(token)
    if not rows:
        return with_form(render(request, "abuse/unknown.html", status=404))
    context = {
        "lines": rows,
        "live": outcome.live(rows),
        "is_read": all(row.mail.unread or row.report for row in rows),
        "link": f"{settings.POSTERN_URL}{request.path}",
    }
    return with_form(render(request, "abuse/outcome.html", context))
