"""The sender's pages, behind the link that we mailed them.  No account.

The link's token is taken out of the URL at once: the browser session then
holds the key of the conversation, and nothing else of this site opens with it.
"""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from escalation.actors import SENDER
from escalation.errors import Refused
from mailroom import tokens
from tickets import actions, reading, stations
from tickets.forms import AttestationForm, MessageForm, StepForm
from tickets.lifecycle import CASE, Event, Party
from tickets.models import Attachment, Conversation

OPENED = "sender_conversations"  # session key: digests of the links this browser has opened
MOST_OPENED = 20


@require_safe
@never_cache
def enter(request: HttpRequest, token: str) -> HttpResponse:
    """Let the holder of a link in; unknown and expired links look the same."""
    digest = tokens.digest(token)
    conversation = Conversation.objects.filter(token_digest=digest).first()
    if conversation is None or not _is_good(conversation):
        return render(request, "tickets/link_ended.html", status=404)
    opened = [known for known in request.session.get(OPENED, []) if known != digest]
    request.session[OPENED] = [*opened, digest][-MOST_OPENED:]
    return redirect("tickets:sender", conversation.pk)


def _is_good(conversation: Conversation) -> bool:
    expires = conversation.token_expires_at
    return expires is not None and expires > timezone.now()


def _conversation(request: HttpRequest, pk: int) -> Conversation:
    digests = request.session.get(OPENED, [])
    rows = Conversation.objects.filter(party=Party.SENDER, token_digest__in=digests)
    found = get_object_or_404(
        rows.select_related(
            "case__listing", "ticket__attestation", "ticket__tenant", "ticket__case__listing"
        ),
        pk=pk,
    )
    if not _is_good(found):
        raise Http404
    return found


@require_safe
@never_cache
def case(request: HttpRequest, pk: int) -> HttpResponse:
    return _show(request, _conversation(request, pk))


def _show(
    request: HttpRequest,
    conversation: Conversation,
    form: MessageForm | None = None,
    attestation: AttestationForm | None = None,
    **kw: Any,
) -> HttpResponse:
    ticket = conversation.ticket
    if ticket is None:
        raise Http404
    case = stations.as_known(ticket)
    whole = "all" in request.GET
    said = reading.messages_of(conversation, reading.MOST if whole else reading.LATEST + 1)
    earlier = len(said) > reading.LATEST and not whole
    talk = reading.talk_rows(
        said[earlier:],
        Party.SENDER,
        None,
        lambda file: reverse("tickets:sender_file", args=[conversation.pk, file.pk]),
    )
    context = {
        "conversation": conversation,
        "ticket": ticket,
        "case": case,
        "stations": stations.line(case, stations.known_entries(ticket), conversation.opened_at),
        "turn": stations.turn(case, Party.SENDER),
        "live": stations.live(case),
        "talk": talk,
        "earlier": earlier,
        "form": form or MessageForm(initial={"key": uuid.uuid4()}),
        "attestation": getattr(ticket, "attestation", None),
        "attestation_form": attestation or AttestationForm(),
        "may_appeal": not ticket.ended_at
        and any(step.event == Event.APPEAL for step, _ in CASE.steps_for(case, SENDER)),
        "list": reading.whose_list(ticket),
        "key": uuid.uuid4(),
    }
    response = render(request, "tickets/sender.html", context, **kw)
    response["X-Robots-Tag"] = "noindex"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def say(request: HttpRequest, pk: int) -> HttpResponse:
    conversation = _conversation(request, pk)
    if request.method != "POST":
        return redirect("tickets:sender", pk)
    form = MessageForm(request.POST, request.FILES)
    if form.is_valid():
        given = form.cleaned_data
        try:
            actions.say(
                conversation, SENDER, given["text"], files=form.files_given(), key=given["key"]
            )
        except Refused as refusal:
            form.add_error(refusal.field or None, refusal.message)
        else:
            messages.success(request, _("Sent to the desk."))
            return redirect("tickets:sender", pk)
    return _show(request, conversation, form, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def attest(request: HttpRequest, pk: int) -> HttpResponse:
    conversation = _conversation(request, pk)
    if request.method != "POST":
        return redirect("tickets:sender", pk)
    form = AttestationForm(request.POST)
    if not form.is_valid() or conversation.ticket is None:
        return _show(request, conversation, attestation=form, status=422)
    given = form.cleaned_data
    actions.attest(conversation.ticket, given["what_was_wrong"], given["what_changed"])
    messages.success(request, _("Thank you. The desk has your statement."))
    return redirect("tickets:sender", pk)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def appeal(request: HttpRequest, pk: int) -> HttpResponse:
    conversation = _conversation(request, pk)
    if request.method != "POST":
        return redirect("tickets:sender", pk)
    form = StepForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            actions.take_step(
                conversation.case, Event.APPEAL, SENDER, note=given["note"], key=given["key"],
                ticket=conversation.ticket,
            )  # fmt: skip
        except Refused as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, _("Your appeal is with the desk."))
    return redirect("tickets:sender", pk)


@require_safe
@never_cache
def attachment(request: HttpRequest, pk: int, file: int) -> HttpResponse:
    conversation = _conversation(request, pk)
    found = Attachment.objects.filter(message__conversation=conversation)
    return reading.download(get_object_or_404(found, pk=file))
