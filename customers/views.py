"""Pages about one's account and one's tenant: find what is theirs, act, answer."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from customers import actions
from customers.access import CHOSEN, own_membership
from customers.forms import AcceptForm, InviteForm, KeyForm, KindForm, ProfileForm, TenantForm
from customers.models import ApiKey, Invitation, Membership, User
from escalation import languages
from escalation.actors import Actor
from escalation.errors import Refused
from mailroom import tokens

INVITED = "invitation"  # the session's word for the digest of the token that was brought
show_and_act = require_http_methods(["GET", "HEAD", "POST"])


def closed(request: HttpRequest, **parts: str) -> HttpResponse:
    raise Http404


def _add_refusal(form: Any, refusal: Refused) -> None:
    field = refusal.field if refusal.field in form.fields else None
    form.add_error(field, refusal.message)


def _managing(request: HttpRequest) -> tuple[Membership, Actor]:
    """The place of an admin; members may look, and learn here that they may do no more."""
    place = own_membership(request)
    if place.kind != Membership.Kind.ADMIN:
        raise PermissionDenied(_("Only admins of your organisation do this: ask one of them."))
    return place, place.actor()


# -- Members ----------------------------------------------------------------------


@show_and_act
@login_required
def members(request: HttpRequest) -> HttpResponse:
    place = own_membership(request)
    form = InviteForm(initial={"language": place.user.language})
    if request.method == "POST":
        form = InviteForm(request.POST)
        if form.is_valid() and _invite(request, form):
            return redirect("customers:members")
    everybody = list(place.tenant.memberships.for_list())
    admins = [member for member in everybody if member.kind == Membership.Kind.ADMIN]
    context = {
        "place": place,
        "manages": place.kind == Membership.Kind.ADMIN,
        "members": everybody,
        "last_admin": admins[0] if len(admins) == 1 else None,
        "invitations": place.tenant.invitations.open().order_by("pk"),
        "form": form,
    }
    return render(request, "customers/members.html", context)


def _invite(request: HttpRequest, form: InviteForm) -> bool:
    place, actor = _managing(request)
    try:
        made = actions.invite(place.tenant, actor, **form.cleaned_data)
    except Refused as refusal:
        _add_refusal(form, refusal)
        return False
    messages.success(request, _("Sent. %s has 7 days to accept.") % made.email)
    return True


@require_POST
@login_required
def change_kind(request: HttpRequest, pk: int) -> HttpResponse:
    place, actor = _managing(request)
    member = get_object_or_404(place.tenant.memberships.for_list(), pk=pk)
    form = KindForm(request.POST)
    if not form.is_valid():
        raise Http404
    try:
        actions.change_kind(member, form.cleaned_data["kind"], actor)
    except Refused as refusal:
        messages.error(request, _("Not done. %s") % refusal.message)
    else:
        changed = {"name": member.user, "role": member.get_kind_display()}
        messages.success(request, _("Done. The role of %(name)s is now: %(role)s.") % changed)
    return redirect("customers:members")


@require_POST
@login_required
def remove_member(request: HttpRequest, pk: int) -> HttpResponse:
    place, actor = _managing(request)
    member = get_object_or_404(place.tenant.memberships.for_list(), pk=pk)
    try:
        actions.remove_member(member, actor)
    except Refused as refusal:
        messages.error(request, _("Not done. %s") % refusal.message)
    else:
        messages.success(request, _("Done. %s is no longer a member.") % member.user)
    return redirect("/" if member.user_id == place.user_id else "customers:members")


@require_POST
@login_required
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    place, actor = _managing(request)
    found = get_object_or_404(place.tenant.invitations.all(), pk=pk)
    actions.withdraw_invitation(found, actor)
    messages.success(request, _("Withdrawn. The link sent to %s is useless now.") % found.email)
    return redirect("customers:members")


# -- Keys ---------------------------------------------------------------------------


@never_cache
@show_and_act
@login_required
def keys(request: HttpRequest) -> HttpResponse:
    place = own_membership(request)
    form, made, text = KeyForm(), None, ""
    if request.method == "POST":
        form = KeyForm(request.POST)
        if form.is_valid():
            made, text = _create_key(request, form)
            form = form if made is None else KeyForm()
    context = {
        "place": place,
        "manages": place.kind == Membership.Kind.ADMIN,
        "keys": place.tenant.api_keys.select_related("user").order_by("-created_at", "-pk"),
        "form": form,
        "made": made,
        "text": text,
    }
    return render(request, "customers/keys.html", context)


def _create_key(request: HttpRequest, form: KeyForm) -> tuple[ApiKey | None, str]:
    place, actor = _managing(request)
    given = form.cleaned_data
    try:
        return actions.create_key(
            place.tenant, actor,
            label=given["label"], scopes=given["scopes"], expires_at=form.expires_at(),
        )  # fmt: skip
    except Refused as refusal:
        _add_refusal(form, refusal)
        return None, ""


@require_POST
@login_required
def revoke_key(request: HttpRequest, pk: int) -> HttpResponse:
    place, actor = _managing(request)
    key = get_object_or_404(place.tenant.api_keys.all(), pk=pk)
    actions.revoke_key(key, actor)
    messages.success(request, _("Revoked. “%s” opens nothing any more.") % key.label)
    return redirect("customers:keys")


# -- One's own account ------------------------------------------------------------------


@show_and_act
@login_required
def profile(request: HttpRequest) -> HttpResponse:
    user = request.user
    assert isinstance(user, User)  # noqa: S101 -- for the type checker
    form = ProfileForm(request.POST if request.method == "POST" else None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.save()
        response = redirect("customers:profile")
        languages.remember(response, user.language)
        messages.success(request, _("Saved."))
        return response
    context = {"form": form, "places": _places(user)}
    return render(request, "customers/profile.html", context)


def _places(user: Any) -> list[Membership]:
    return list(Membership.objects.filter(user=user).select_related("tenant").order_by("pk"))


@show_and_act
@login_required
def tenant(request: HttpRequest) -> HttpResponse:
    place, places = own_membership(request), _places(request.user)
    form = TenantForm(request.POST if request.method == "POST" else None, places=places)
    if request.method == "POST" and form.is_valid():
        request.session[CHOSEN] = int(form.cleaned_data["tenant"])
        return redirect(settings.LOGIN_REDIRECT_URL)
    context = {"form": form, "place": place, "places": places}
    return render(request, "customers/tenant.html", context)


# -- Coming in --------------------------------------------------------------------------


@never_cache
@require_GET
def open_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Take the token out of the address; nothing else happens."""
    get_object_or_404(_open_invitations(), token_digest=tokens.digest(token))
    request.session[INVITED] = tokens.digest(token)
    return redirect("customers:invitation")


def _open_invitations() -> "QuerySet[Invitation]":
    return Invitation.objects.open().select_related("tenant", "invited_by")


@never_cache
@show_and_act
def invitation(request: HttpRequest) -> HttpResponse:
    found = get_object_or_404(_open_invitations(), token_digest=request.session.get(INVITED, ""))
    signed_in = request.user.is_authenticated
    form = AcceptForm(
        request.POST if request.method == "POST" else None,
        email=found.email,
        initial={"language": request.LANGUAGE_CODE},
    )
    if request.method == "POST" and (signed_in or form.is_valid()):
        return _accept(request, found, {} if signed_in else form.cleaned_data)
    context = {
        "invitation": found,
        "form": form,
        "known": not signed_in and User.objects.filter(email=found.email).exists(),
    }
    return render(request, "customers/invitation.html", context)


def _accept(request: HttpRequest, found: Invitation, given: dict[str, str]) -> HttpResponse:
    user = request.user if isinstance(request.user, User) else None
    try:
        place = actions.accept_invitation(found, user, **given)
    except Refused as refusal:
        messages.error(request, _("Not done. %s") % refusal.message)
        return redirect("customers:invitation")
    if user is None:
        login(request, place.user)
    request.session.pop(INVITED, None)
    request.session[CHOSEN] = place.tenant_id
    messages.success(request, _("Welcome. You now belong to %s.") % place.tenant)
    response = redirect(settings.LOGIN_REDIRECT_URL)
    languages.remember(response, place.user.language)
    return response
