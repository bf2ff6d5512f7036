"""The tenant's pages: find what the person may see, act, answer."""

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from abuse import queries as junk
from customers.access import actor_of, own_membership
from customers.models import Tenant
from delisting import referrals
from escalation import keyset
from escalation.actors import CUSTOMER, Actor, Role
from escalation.errors import Refused
from escalation.lifecycle import NotAllowed
from guide.forms import DiagnosisForm
from tickets import actions, demo, opening, reading, stations
from tickets.forms import BounceForm, MessageForm, StepForm, TicketForm
from tickets.lifecycle import CASE, QUIET, Event, Party
from tickets.models import Attachment, Case, Draft, Ticket

DRAFT_SALT = "tickets.draft"
FILLED_BY_LINK = ("prefix", "sender_email", "recipient")
MOST_DRAFTS = 20  # uploads of one person that are kept; older ones make room
# The steps that a tenant may take from its page, as the table offers them.
OFFERED = (Event.ESCALATE, Event.APPEAL, Event.INSIST, Event.WITHDRAW, Event.REOPEN)


@require_safe
def front(request: HttpRequest) -> HttpResponse:
    context = {"play": demo.play() if demo.is_on() else None, "form": DiagnosisForm()}
    return render(request, "tickets/front.html", context)


def _tenant(request: HttpRequest) -> tuple[Tenant, Actor]:
    """The tenant for which the person acts; agents, who act for none, have the desk instead."""
    actor = actor_of(request)
    if actor.role not in CUSTOMER:
        raise Http404
    return own_membership(request).tenant, actor


@require_safe
@login_required
def ticket_list(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    if actor.role == Role.AGENT:
        return redirect("admin:index")
    tenant, actor = _tenant(request)
    rows = Ticket.objects.visible_to(actor).for_list()
    shown = request.GET.get("show", "open")
    if shown != "all":
        rows = rows.open()
    found = keyset.page(rows, request.GET)
    listed = [
        {
            "ticket": ticket,
            "turn": stations.turn(stations.as_known(ticket), Party.CUSTOMER),
            "state": stations.public_state(stations.as_known(ticket)).label,
        }
        for ticket in found.rows
    ]
    context = {
        "rows": listed, "page": found, "shown": shown, "tenant": tenant,
        "may_open": actor.role == Role.ADMIN, "has_junk": junk.waits_for(actor),
    }  # fmt: skip
    return render(request, "tickets/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new(request: HttpRequest) -> HttpResponse:
    """Open a ticket: first the bounce, from which the form is filled in, then the form."""
    tenant, actor = _tenant(request)
    if actor.role != Role.ADMIN:
        return render(request, "tickets/ask_admin.html", {"tenant": tenant}, status=403)
    if request.method != "POST":
        known = _known(request)
        bounce = None if known else BounceForm(prefix="read")
        return _show_new(request, tenant, bounce, _empty_form(**known))
    if "read" in request.POST:
        return _read_bounce(request, tenant, actor)
    form = TicketForm(request.POST)
    if form.is_valid():
        try:
            ticket = _open(tenant, actor, form)
        except Refused as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
            form.link = refusal.link  # type: ignore[attr-defined]
        else:
            messages.success(request, _("Your ticket is open. We have begun to look into it."))
            return redirect(ticket)
    return _show_new(request, tenant, None, form, status=422)


def _known(request: HttpRequest) -> dict[str, str]:
    """What a link fills into the form, and nothing else: it opens no ticket."""
    given = {name: request.GET.get(name, "").strip()[:320] for name in FILLED_BY_LINK}
    return {name: value.replace("\0", "") for name, value in given.items() if value}


def _empty_form(**initial: Any) -> TicketForm:
    return TicketForm(initial={"key": uuid.uuid4(), **initial})


def _show_new(
    request: HttpRequest, tenant: Tenant, bounce: BounceForm | None, form: TicketForm, **kwargs: Any
) -> HttpResponse:
    context = {
        "bounce": bounce, "form": form, "tenant": tenant, "read": "draft" in form.initial,
        "linked": request.method != "POST" and bounce is None,
        "referred": "referral" in form.initial,
    }  # fmt: skip
    return render(request, "tickets/new.html", context, **kwargs)


def show_referred(request: HttpRequest, tenant: Tenant, known: dict[str, str]) -> HttpResponse:
    """The form as a link fills it in that a sender has passed on."""
    return _show_new(request, tenant, None, _empty_form(**known))


def _read_bounce(request: HttpRequest, tenant: Tenant, actor: Actor) -> HttpResponse:
    bounce = BounceForm(request.POST, request.FILES, prefix="read")
    if not bounce.is_valid():
        return _show_new(request, tenant, bounce, _empty_form(), status=422)
    file = bounce.file_given()
    draft = Draft.objects.create(
        tenant=tenant, user=actor.person(), name=file.name[:200], content=file.content
    )
    own = Draft.objects.filter(user=actor.person())
    too_many = own.order_by("-pk").values_list("pk", flat=True)[MOST_DRAFTS : MOST_DRAFTS + 100]
    own.filter(pk__in=list(too_many)).delete()
    found = reading.from_bounce(file.content)
    if problem := found.pop("problem", ""):
        messages.warning(request, problem)
    form = _empty_form(draft=signing.dumps(draft.pk, salt=DRAFT_SALT), **found)
    return _show_new(request, tenant, None, form)


def _open(tenant: Tenant, actor: Actor, form: TicketForm) -> Ticket:
    given = form.cleaned_data
    draft = _draft(tenant, actor, given["draft"])
    passed_on = referrals.find(given["referral"]) if given["referral"] else None
    bounce, name = (bytes(draft.content), draft.name) if draft else (b"", "")
    if passed_on is not None and not draft and passed_on.bounce:
        bounce, name = bytes(passed_on.bounce), "bounce.txt"
    wish = opening.Application(
        prefix=given["prefix"],
        sender_email=given["sender_email"],
        recipient=given["recipient"],
        sender_name=given["sender_name"],
        sender_organisation=given["sender_organisation"],
        sender_language=given["sender_language"],
        smtp_reply=given["smtp_reply"],
        note=given["note"],
        external_reference=given["external_reference"],
        bounce=bounce,
        bounce_name=name,
    )
    return opening.open_ticket(tenant, actor, wish, key=given["key"])


def _draft(tenant: Tenant, actor: Actor, signed: str) -> Draft | None:
    try:
        pk = int(signing.loads(signed, salt=DRAFT_SALT)) if signed else 0
    except signing.BadSignature:
        return None
    return Draft.objects.filter(pk=pk, tenant=tenant, user=actor.person()).first()


@require_safe
@login_required
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    ticket, actor = _ticket(request, pk)
    return _show(request, ticket, actor)


def _ticket(request: HttpRequest, pk: int) -> tuple[Ticket, Actor]:
    """The ticket, if this person's tenant opened it; else the same 404 as for none."""
    actor = actor_of(request)
    if actor.role not in CUSTOMER:
        raise Http404
    rows = Ticket.objects.visible_to(actor).select_related(
        "case__listing", "tenant", "opened_by", "attestation"
    )
    return get_object_or_404(rows, pk=pk), actor


def _show(
    request: HttpRequest, ticket: Ticket, actor: Actor, form: MessageForm | None = None, **kw: Any
) -> HttpResponse:
    case = stations.as_known(ticket)
    conversation = ticket.conversations.get(party=Party.CUSTOMER)
    whole = "all" in request.GET
    said = reading.messages_of(conversation, reading.MOST if whole else reading.LATEST + 1)
    earlier = len(said) > reading.LATEST and not whole
    talk = reading.talk_rows(
        said[earlier:],
        Party.CUSTOMER,
        actor.user.pk if actor.user else None,
        lambda file: reverse("tickets:file", args=[ticket.pk, file.pk]),
    )
    context = {
        "ticket": ticket,
        "case": case,
        "stations": stations.line(case, stations.known_entries(ticket), ticket.opened_at),
        "turn": stations.turn(case, Party.CUSTOMER),
        "live": stations.live(case),
        "talk": talk,
        "earlier": earlier,
        "form": form or MessageForm(initial={"key": uuid.uuid4()}),
        "steps": []
        if ticket.ended_at and ticket.case.state not in QUIET
        else _steps(ticket.case, actor),
        "list": reading.whose_list(ticket),
        "attestation": getattr(ticket, "attestation", None),
        "key": uuid.uuid4(),
    }
    return render(request, "tickets/detail.html", context, **kw)


def _steps(case: Case, actor: Actor) -> list[dict[str, Any]]:
    """The steps that the table opens to this person, each with what is in its way."""
    offered = []
    for step, reason in CASE.steps_for(case, actor):
        if step.event not in OFFERED:
            continue
        waits = step.event == Event.WITHDRAW  # its guard is about the other tickets: see withdraw
        offered.append(
            {
                "event": step.event,
                "label": Event(step.event).label,
                "reason": "" if waits else reason,
                "needs_note": step.needs_note,
                "danger": waits,
            }
        )
    return offered


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def say(request: HttpRequest, pk: int) -> HttpResponse:
    ticket, actor = _ticket(request, pk)
    if request.method != "POST":  # a reload of the answer to a form
        return redirect(ticket)
    form = MessageForm(request.POST, request.FILES)
    if form.is_valid():
        conversation = ticket.conversations.select_related("case", "ticket").get(
            party=Party.CUSTOMER
        )
        try:
            given = form.cleaned_data
            actions.say(
                conversation, actor, given["text"], files=form.files_given(), key=given["key"]
            )
        except Refused as refusal:
            form.add_error(refusal.field or None, refusal.message)
        else:
            messages.success(request, _("Sent to the desk."))
            return redirect(ticket)
    return _show(request, ticket, actor, form, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def step(request: HttpRequest, pk: int) -> HttpResponse:
    ticket, actor = _ticket(request, pk)
    if request.method != "POST":
        return redirect(ticket)
    form = StepForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("That step is not one we know."))
        return redirect(ticket)
    given = form.cleaned_data
    try:
        take(ticket, actor, given["event"], given["note"], given["key"])
    except Refused as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("Done: %s.") % Event(given["event"]).label)
    return redirect(ticket)


def take(ticket: Ticket, actor: Actor, event: str, note: str, key: str) -> None:
    """Take a step that a tenant may take; anything else is refused as not possible."""
    if event == Event.WITHDRAW:
        actions.withdraw(ticket, actor, note=note, key=key)
    elif event == Event.ESCALATE:
        actions.escalate(ticket, actor, note=note, key=key)
    elif event in OFFERED:
        actions.take_step(ticket.case, event, actor, note=note, key=key, ticket=ticket)
    else:
        raise NotAllowed(_("That step is not one we know."))


@require_safe
@login_required
def attachment(request: HttpRequest, pk: int, file: int) -> HttpResponse:
    ticket, _actor = _ticket(request, pk)
    found = Attachment.objects.filter(
        message__conversation__ticket=ticket, message__conversation__party=Party.CUSTOMER
    )
    return reading.download(get_object_or_404(found, pk=file))
