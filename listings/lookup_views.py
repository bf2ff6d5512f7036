"""The page that every refusal of ours leads to: why an address is refused, and what to do."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from escalation import prefixes
from escalation.errors import Refused
from listings import lookup

MAX_ADDRESS = 64  # characters of what is typed


@require_http_methods(["GET", "HEAD", "POST"])
def delist(request: HttpRequest) -> HttpResponse:
    """Look an address up; a pasted bounce is read for it, and kept nowhere."""
    if request.method == "POST":
        return _read_paste(request)
    typed = request.GET.get("address", "").strip()
    if not typed:
        return _show(request)
    try:
        prefix = prefixes.parse_prefix(typed[:MAX_ADDRESS])
    except Refused as refusal:
        return _show(request, typed=typed[:MAX_ADDRESS], problem=refusal.message, status=422)
    return _show(request, typed=prefixes.shown(prefix), found=lookup.standing(prefix))


def _read_paste(request: HttpRequest) -> HttpResponse:
    text = request.POST.get("text", "")
    if address := lookup.address_in(text):
        return redirect(f"{reverse('delist')}?{urlencode({'address': address})}")
    problem = (
        _(
            "We found no refused address in it. Paste the whole bounce, or type the address of the "
            "mail server."
        )
        if text.strip()
        else _("Paste the bounce, or the line with the error.")
    )
    return _show(request, problem=problem, status=422)


def _show(request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
    return render(request, "listings/delist.html", context, status=status)
