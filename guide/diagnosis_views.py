"""The page that reads a bounce: nothing pasted is stored unless a link is made of it."""

import base64
import binascii
from typing import Any, Final

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from delisting import policy, referrals
from delisting.views import made_link, not_public
from escalation import prefixes
from escalation.errors import Refused
from escalation.limits import Limit, slot, visitor
from guide import diagnosis as reading
from guide import live as looking
from guide import search as searching
from guide.answers import Answer
from guide.forms import DiagnosisForm, LiveForm
from mailroom.recipients import domain_name

READ: Final = Limit("diagnosis", most=240, seconds=3600)  # bounces of one visitor
SALT: Final = "guide.facts"
SHORT: Final = 60  # octets of what may be a code or a mark alone, such as S3150
CARRIED: Final = 12 * 1024  # octets of a bounce that the answer's page carries for a link
CARRIED_FOR: Final = 24 * 3600  # seconds


@require_http_methods(["GET", "HEAD", "POST"])
def diagnosis(request: HttpRequest) -> HttpResponse:
    """The form, and the answer to it; an address alone has a page that can be passed on."""
    if request.method != "POST":
        typed = request.GET.get("address", "").strip()
        return _of_address(request, typed) if typed else _ask(request, DiagnosisForm())
    form = DiagnosisForm(request.POST, request.FILES)
    if not form.is_valid():
        return _ask(request, form, 422)
    try:
        READ.take(visitor(request))
    except Refused as refusal:
        form.add_error(None, refusal.message)
        return _ask(request, form, refusal.status)
    typed = form.cleaned_data["address"]
    raw = form.bounce_given()
    if not raw:
        return redirect(f"{reverse('guide:diagnosis')}?{urlencode({'address': typed})}")
    answer = reading.of_bounce(raw, typed)
    if answer.problem and len(raw) <= SHORT and searching.by_code(raw.decode("utf-8", "replace")):
        query = urlencode({"q": raw.decode("utf-8", "replace")})
        return redirect(f"{reverse('guide:search')}?{query}")
    if answer.problem:
        form.add_error(None, f"{answer.sentence} {answer.problem}")
        return _ask(request, form, 422)
    return _show(request, answer, raw)


def _ask(request: HttpRequest, form: DiagnosisForm, status: int = 200) -> HttpResponse:
    return render(request, "guide/diagnosis.html", {"form": form}, status=status)


def _of_address(request: HttpRequest, typed: str) -> HttpResponse:
    try:
        prefix = prefixes.parse_prefix(typed[:64])
    except Refused as refusal:
        form = DiagnosisForm({"address": typed[:64]})
        form.add_error("address", refusal.message)
        return _ask(request, form, 422)
    if not prefixes.is_single(prefix) and not policy.single(prefix):
        return redirect(
            f"{reverse('delisting:find')}?{urlencode({'address': prefixes.shown(prefix)})}"
        )
    if not prefixes.is_public(prefix, documentation_too=settings.POSTERN_DEMO):
        form = DiagnosisForm({"address": prefixes.shown(prefix)})
        form.add_error("address", not_public(prefix))
        return _ask(request, form, 422)
    return _show(request, reading.of_address(prefix), b"")


def _show(request: HttpRequest, answer: Answer, raw: bytes) -> HttpResponse:
    context = {
        "answer": answer,
        "carried": _carry(answer, raw) if answer.step and answer.step.referral else "",
        "live": _live_fields(answer, raw),
        "seen": None,
    }
    response = render(request, "guide/answer.html", context)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _live_fields(answer: Answer, raw: bytes) -> dict[str, str]:
    """What the live part asks about; empty where there is nothing to ask."""
    signature = looking.signature_in(raw)
    single = answer.address is not None and prefixes.is_single(answer.address)
    fields = {
        "address": prefixes.shown(answer.address) if single and answer.address else "",
        "domain": answer.domain,
        "selector": signature.selector,
        "signer": signature.domain,
    }
    asked = looking.parts(_asked(fields))
    return {**fields, "parts": " ".join(asked)} if asked else {}


def _carry(answer: Answer, raw: bytes) -> str:
    """What a link to pass on would hold, signed, so that nothing is kept until it is wanted."""
    failure, original = answer.failure, answer.original
    facts = {
        "prefix": prefixes.shown(answer.address) if answer.address else "",
        "sender_email": original.sender_email if original else "",
        "recipient": failure.recipient if failure else "",
        "reply": failure.diagnostic if failure else "",
        "bounce": base64.b64encode(raw[:CARRIED]).decode("ascii"),
    }
    return signing.dumps(facts, salt=SALT, compress=True)


@require_http_methods(["GET", "HEAD", "POST"])
def refer(request: HttpRequest) -> HttpResponse:
    """Make a link to pass on of what stood on the page."""
    if request.method != "POST":
        return redirect("guide:diagnosis")
    try:
        facts: dict[str, Any] = signing.loads(
            request.POST.get("facts", ""), salt=SALT, max_age=CARRIED_FOR
        )
        bounce = base64.b64decode(facts.pop("bounce", ""), validate=True)
    except (signing.BadSignature, binascii.Error):
        return redirect("guide:diagnosis")
    return made_link(request, referrals.Facts(bounce=bounce, **facts))


@require_http_methods(["GET", "HEAD", "POST"])
def live(request: HttpRequest) -> HttpResponse:
    """What the DNS says now: a part for the script, a page of its own without one."""
    if request.method != "POST":
        return redirect("guide:diagnosis")
    form = LiveForm(request.POST)
    seen, problem = None, ""
    if form.is_valid():
        try:
            looking.ASKED.take(visitor(request))
            with slot():
                seen = looking.look(_asked(form.cleaned_data), form.cleaned_data["only"])
        except Refused as refusal:
            problem = refusal.message
    context = {"seen": seen or [], "problem": problem, "live": request.POST}
    whole = not request.POST.get("only")
    return render(request, "guide/live_page.html" if whole else "guide/seen.html", context)


def _asked(given: dict[str, str]) -> looking.Asked:
    try:
        address = prefixes.parse_address(given["address"]) if given["address"] else None
    except Refused:
        address = None
    signer = domain_name(given["signer"])
    signature = (
        looking.Signature(given["selector"], signer) if signer and given["selector"] else None
    )
    return looking.Asked(
        address if address is not None and _may_ask(address) else None,
        domain_name(given["domain"]) if given["domain"] else "",
        signature or looking.Signature(),
    )


def _may_ask(address: prefixes.Address) -> bool:
    """No questions about private space: its names are nobody's business."""
    prefix = prefixes.parse_prefix(str(address))
    return prefixes.is_public(prefix, documentation_too=True)
