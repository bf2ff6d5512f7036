"""The link that a stranger has passed on: sign in, and the ticket form is filled in."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from customers.access import actor_of, own_membership
from delisting import referrals
from delisting.models import Referral
from escalation.actors import CUSTOMER, Role
from tickets.views import show_referred


@require_safe
@login_required
def refer(request: HttpRequest, token: str) -> HttpResponse:
    """Show the form, filled in; nothing is opened before the person sends it."""
    actor = actor_of(request)
    found = referrals.find(token)
    if found is None:
        return render(request, "tickets/refer_ended.html", status=404)
    if actor.role == Role.AGENT:
        messages.info(request, _("This link is for customers: they open the ticket."))
        return redirect("admin:index")
    if actor.role not in CUSTOMER:
        return render(request, "tickets/refer_ended.html", status=404)
    tenant = own_membership(request).tenant
    if actor.role != Role.ADMIN:
        return render(request, "tickets/ask_admin.html", {"tenant": tenant}, status=403)
    return show_referred(request, tenant, {**_filled(found), "referral": token})


def _filled(found: Referral) -> dict[str, str]:
    note = _("The sender says: %s") % found.statement if found.statement else ""
    return {
        "prefix": found.prefix,
        "sender_email": found.sender_email,
        "recipient": found.recipient,
        "smtp_reply": found.reply,
        "note": note,
        "sender_language": found.language,
    }
