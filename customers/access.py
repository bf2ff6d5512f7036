"""Who is asking: from a request to an actor."""

from typing import Any

from django.http import Http404, HttpRequest

from customers.models import ApiKey, Membership
from escalation.actors import Actor, Role
from escalation.desk import second_factor_done

CHOSEN = "tenant"  # the session's word for the tenant that somebody acts for


def actor_of(request: Any) -> Actor:
    """The actor behind a page's or an endpoint's request.

    With an API key: its maker, in the place that they hold today.  An agent
    with a finished log-in: an agent of that level.  Anybody else: the member
    of the tenant they chose, or of their first; without a tenant they see
    nothing.  The request must be signed in.
    """
    if isinstance(key := getattr(request, "auth", None), ApiKey):
        membership = Membership.objects.get(user=key.user_id, tenant=key.tenant_id)
        return membership.actor()
    if request.user.is_staff and second_factor_done(request):
        return Actor(Role.AGENT, request.user, level=request.user.level)
    found = membership_of(request)
    return found.actor() if found else Actor(Role.MEMBER, request.user)


def membership_of(request: HttpRequest) -> Membership | None:
    """The place that the signed-in person acts from: the chosen one, or the first."""
    places = Membership.objects.filter(user=request.user.pk).select_related("tenant", "user")
    found = list(places.order_by("joined_at", "pk"))
    chosen = request.session.get(CHOSEN)
    first = found[0] if found else None
    return next((place for place in found if place.tenant_id == chosen), first)


def own_membership(request: HttpRequest) -> Membership:
    """Like ``membership_of``; raises ``Http404`` for people without a tenant."""
    if found := membership_of(request):
        return found
    raise Http404
