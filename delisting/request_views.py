"""The pages of one request: its status, and the button behind the link in the letter.

Two links, two powers: the status page shows and offers other proofs; only the letter's link has
the button.  GET and HEAD change nothing: scanners open links.
"""

from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from delisting import actions, emails, policy, proofs, referrals, views
from delisting import status as rows
from delisting.forms import MailboxForm, ProofForm
from delisting.lifecycle import State
from delisting.models import DelistRequest
from escalation import prefixes
from escalation.errors import Refused
from escalation.limits import Limit, slot, visitor
from escalation.unseen import unseen, with_form
from mailroom import tokens

PROVED: Final = Limit("delist-proof", most=20, seconds=3600)  # looks of one visitor
PROVED_FOR: Final = Limit("delist-proof-for", most=20, seconds=3600)  # looks at one host
MOVED: Final = Limit("delist-mailbox-form", most=10, seconds=3600)  # other mailboxes of one visitor


def _of(token: str) -> DelistRequest:
    """The request whose status page this is."""
    found = DelistRequest.objects.filter(status_digest=tokens.digest(token))
    request = found.select_related("listing", "letter", "rule").first()
    if request is None:
        raise Http404
    return request


@unseen
@require_safe
def status(request: HttpRequest, token: str) -> HttpResponse:
    return _show(request, _of(token), token)


def _show(
    request: HttpRequest, asked: DelistRequest, token: str, form: MailboxForm | None = None,
    status_code: int = 200,
) -> HttpResponse:  # fmt: skip
    waits = asked.state == State.ASKED
    context = {
        "asked": asked,
        "token": token,
        "stations": rows.line(asked),
        "turn": rows.turn(asked),
        "letter_line": rows.letter_line(asked),
        "sinks": rows.sinks(asked),
        "advice": rows.advice(asked.outcome),
        "live": rows.live(asked),
        "is_open": asked.state in {State.ASKED, State.EXPIRED},
        "letter_failed": asked.letter is not None and asked.letter.status in {"refused", "parked"},
        "form": (form or MailboxForm()) if rows.may_write_again(asked) else None,
        "record": proofs.record(asked) if waits else "",
        "reverse_name": proofs.name(asked) if waits else "",
        "file_url": proofs.url(asked) if waits else "",
        "proof_mailbox": proofs.mailbox(asked) if waits else "",
    }
    return with_form(render(request, "delisting/status.html", context, status=status_code))


@unseen
@require_safe
def status_json(request: HttpRequest, token: str) -> JsonResponse:
    return JsonResponse(rows.as_json(_of(token)))


@unseen
@require_http_methods(["GET", "HEAD", "POST"])
def mailbox(request: HttpRequest, token: str) -> HttpResponse:
    """Send the letter elsewhere."""
    asked = _of(token)
    if request.method != "POST":
        return redirect("delisting:status", token)
    form = MailboxForm(request.POST)
    if form.is_valid():
        try:
            MOVED.take(visitor(request))
            actions.write_again(asked, form.cleaned_data["email"])
        except Refused as refusal:
            form.add_error("email", refusal.message)
        else:
            messages.success(request, _("A new letter is on its way. The first link has ended."))
            return redirect("delisting:status", token)
    return _show(request, asked, token, form, 422)


@unseen
@require_http_methods(["GET", "HEAD", "POST"])
def prove(request: HttpRequest, token: str) -> HttpResponse:
    """Look for another proof now; where it is there, the request is confirmed."""
    asked = _of(token)
    form = ProofForm(request.POST)
    if request.method == "POST" and form.is_valid() and asked.state == State.ASKED:
        method = form.cleaned_data["method"]
        try:
            PROVED.take(visitor(request))
            PROVED_FOR.take(asked.address)
            with slot():
                proofs.check(asked, method)
            actions.confirm(asked, proof=method)
        except Refused as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, _("We have seen it."))
    return redirect("delisting:status", token)


@unseen
@require_http_methods(["GET", "HEAD", "POST"])
def refer(request: HttpRequest, token: str) -> HttpResponse:
    """Make a link to pass on about what this request is about."""
    asked = _of(token)
    if request.method != "POST":
        return redirect("delisting:status", token)
    facts = referrals.Facts(
        prefix=prefixes.shown(asked.network), sender_email=asked.email, statement=asked.changed
    )
    return views.made_link(request, facts)


@unseen
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Behind the letter's link: GET explains, POST lifts."""
    found = DelistRequest.objects.filter(token_digest=tokens.digest(token))
    asked = found.select_related("listing").first()
    if asked is None:
        return with_form(render(request, "delisting/unknown.html", status=404))
    where = redirect("delisting:status", tokens.token(emails.status_key(asked)))
    if asked.state != State.ASKED:
        return where
    if request.method != "POST":
        verdict = policy.verdict(asked.network)
        context = {
            "asked": asked,
            "verdict": verdict,
            "rule": verdict.rule if verdict else None,
            "expired": asked.expires_at <= timezone.now(),
        }
        return with_form(render(request, "delisting/confirm.html", context))
    try:
        actions.confirm(asked)
    except Refused as refusal:
        messages.warning(request, refusal.message)
    return where
