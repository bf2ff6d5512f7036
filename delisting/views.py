"""Look an address up, and ask for it to be let in: open to anybody."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from delisting import actions, emails, fixers, policy, referrals, status, work
from delisting.forms import AskForm
from escalation import prefixes
from escalation.errors import Refused
from escalation.limits import visitor
from escalation.prefixes import Prefix
from escalation.unseen import with_form
from listings import lookup
from mailroom import tokens
from mailroom.rendering import single_line

MAX_ADDRESS = 64  # characters of what is typed


@require_http_methods(["GET", "HEAD"])
def find(request: HttpRequest) -> HttpResponse:
    """What the list says of an address, and who may lift it."""
    typed = single_line(request.GET.get("address", "")[:MAX_ADDRESS])
    if not typed:
        return render(request, "delisting/find.html")
    try:
        prefix = prefixes.parse_prefix(typed)
    except Refused as refusal:
        context = {"typed": typed, "problem": refusal.message}
        return render(request, "delisting/find.html", context, status=422)
    if not prefixes.is_public(prefix, documentation_too=settings.POSTERN_DEMO) and (
        prefixes.is_single(prefix)
    ):
        context = {"typed": typed, "problem": not_public(prefix)}
        return render(request, "delisting/find.html", context, status=422)
    return _show(request, prefix)


def not_public(prefix: Prefix) -> str:
    """Why nothing is said of an address that no mail can come from."""
    return _(
        "%s is no address of the public Internet: your mail reached us from another. Take the one "
        "that stands in the bounce."
    ) % prefixes.shown(prefix)


def _show(
    request: HttpRequest, prefix: Prefix, form: AskForm | None = None, status_code: int = 200
) -> HttpResponse:
    return render(request, "delisting/find.html", found(prefix, form), status=status_code)


def found(prefix: Prefix, form: AskForm | None = None) -> dict[str, Any]:
    """What the page says of an address."""
    standing = lookup.standing(prefix)
    verdict = policy.verdict(prefix) if standing.listing and policy.single(prefix) else None
    listing = verdict.listing if verdict else standing.listing
    may_ask = verdict is not None and verdict.may_ask
    by_sender = verdict is not None and verdict.rule.is_by_sender
    kind = policy.class_of(listing) if listing else ""
    names = verdict is not None and verdict.rule.names_agree
    return {
        "typed": prefixes.shown(prefix),
        "found": standing,
        "listing": listing,
        "is_inside": listing is not None and not prefixes.contains(listing.network, prefix),
        "verdict": verdict,
        "rule": verdict.rule if verdict else None,
        "kind": kind,
        "fixers": fixers.of_listing(kind, by_sender=by_sender) if listing else [],
        "stations": status.looked_up() if may_ask else [],
        "form": (form or AskForm(names=names)) if may_ask else None,
        "live": {"address": prefixes.shown(prefix), "parts": "names"} if names else None,
        "challenge": work.challenge() if may_ask else "",
    }


def _typed(request: HttpRequest) -> Prefix | None:
    """The address that a form of the look-up page is about."""
    try:
        return prefixes.parse_prefix(request.POST.get("address", "")[:MAX_ADDRESS])
    except Refused:
        return None


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Take a request; its page says where the letter is."""
    prefix = _typed(request)
    if request.method != "POST" or prefix is None:
        return redirect("delisting:find")
    verdict = policy.verdict(prefix) if policy.single(prefix) else None
    form = AskForm(request.POST, names=verdict is not None and verdict.rule.names_agree)
    if not form.is_valid():
        return _show(request, prefix, form, 422)
    given = form.cleaned_data
    try:
        work.admit(given["work"], visitor(request))
        made = actions.ask(actions.Wish(prefix, given["email"], given["changed"]))
    except actions.NotListed:
        return _show(request, prefix)
    except Refused as refusal:
        field = "email" if refusal.code == "not-an-address" else None
        form.add_error(field, refusal.message)
        return _show(request, prefix, form, refusal.status)
    return redirect("delisting:status", tokens.token(emails.status_key(made)))


@require_http_methods(["GET", "HEAD", "POST"])
def refer(request: HttpRequest) -> HttpResponse:
    """Make a link to pass on about an address."""
    prefix = _typed(request)
    if request.method != "POST" or prefix is None:
        return redirect("delisting:find")
    if (listing := lookup.standing(prefix).listing) is None or not prefixes.contains(
        listing.network, prefix
    ):
        return _show(request, prefix)  # nothing of ours refuses all of it
    facts = referrals.Facts(
        prefix=prefixes.shown(prefix),
        sender_email=request.POST.get("sender_email", "").strip(),
        recipient=request.POST.get("recipient", "").strip(),
    )
    return made_link(request, facts)


def made_link(request: HttpRequest, facts: referrals.Facts) -> HttpResponse:
    """Make the link and show it, or say why not."""
    try:
        referrals.MADE.take(visitor(request))
    except Refused as refusal:
        refused = {"problem": refusal.message, "title": _("A link to pass on")}
        return render(request, "delisting/link.html", refused, status=refusal.status)
    token, row = referrals.make(facts)
    listing = lookup.standing(prefixes.parse_prefix(row.prefix)).listing if row.prefix else None
    kind = policy.class_of(listing) if listing else ""
    context: dict[str, Any] = {
        "link": referrals.link(token),
        "referral": row,
        "title": _("A link to pass on"),
        "steps": fixers.after_passing_on(kind),
    }
    response = render(request, "delisting/link.html", context)
    response.headers["Cache-Control"] = "private, no-store"
    return with_form(response)
