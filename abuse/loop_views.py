"""Feedback loops for networks outside: ask for one, see how to prove the domain, end it."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from abuse import loops
from abuse.forms import LoopForm
from abuse.models import Loop
from delisting import work
from escalation.errors import Refused
from escalation.limits import visitor
from escalation.unseen import unseen, with_form
from mailroom import tokens

LIVE = 15  # seconds between two looks while the proof is awaited
FIELDS = {"not-a-domain": "domain", "not-an-address": "email"}


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Take a wish for copies; its page says how the domain is proved."""
    if request.method != "POST":
        return _ask(request, LoopForm())
    form = LoopForm(request.POST)
    if not form.is_valid():
        return _ask(request, form, 422)
    given = form.cleaned_data
    try:
        work.admit(given["work"], visitor(request))
        _loop, token = loops.ask(given["domain"], given["email"])
    except Refused as refusal:
        form.add_error(FIELDS.get(refusal.code), refusal.message)
        return _ask(request, form, refusal.status)
    return redirect("abuse:loop", token)


def _ask(request: HttpRequest, form: LoopForm, status: int = 200) -> HttpResponse:
    context = {"form": form, "challenge": work.challenge()}
    return render(request, "abuse/loop_ask.html", context, status=status)


@unseen
@require_http_methods(["GET", "HEAD", "POST"])
def loop(request: HttpRequest, token: str) -> HttpResponse:
    """One feedback loop: GET shows where it stands, POST ends it."""
    row = Loop.objects.filter(status_digest=tokens.digest(token)).first()
    if row is None:
        return with_form(render(request, "abuse/unknown.html", status=404))
    if request.method == "POST":
        loops.end(row)
        return redirect("abuse:loop", token)
    waits = row.proved_at is None and row.ended_at is None
    context = {
        "loop": row,
        "live": LIVE if waits else 0,
        "mailbox": f"fbl+{row.challenge}@{settings.POSTERN_LETTER_DOMAIN}",
        "link": f"{settings.POSTERN_URL}{request.path}",
    }
    return with_form(render(request, "abuse/loop.html", context))
