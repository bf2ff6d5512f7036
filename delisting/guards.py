"""What must be so before a request takes a step: each says what is in the way, or nothing."""

from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _

from escalation.actors import Actor
from listings import queries

if TYPE_CHECKING:
    from delisting.models import DelistRequest

MOST_LETTERS = 3  # confirmation letters of one request


def may_write_again(request: "DelistRequest", actor: Actor) -> str:
    if request.letters >= MOST_LETTERS:
        return _("%d letters for one request are the most. Ask again tomorrow.") % MOST_LETTERS
    return link_is_fresh(request, actor)


def link_is_fresh(request: "DelistRequest", actor: Actor) -> str:
    if request.expires_at <= timezone.now():
        return _("This link has expired. Look the address up and ask again.")
    return ""


def link_has_expired(request: "DelistRequest", actor: Actor) -> str:
    return "" if request.expires_at <= timezone.now() else _("Its link still works.")


def wait_is_over(request: "DelistRequest", actor: Actor) -> str:
    over = request.cool_until is None or request.cool_until <= timezone.now()
    return "" if over else _("The time of waiting is not over.")


def is_not_taken_off(request: "DelistRequest", actor: Actor) -> str:
    return "" if request.serial is None else _("It is on its way off the list already.")


def every_sink_let_go(request: "DelistRequest", actor: Actor) -> str:
    if request.serial is None:
        return _("It has not been taken off yet.")
    behind = queries.sinks_behind(request.serial)
    return _("Not let go yet: %s.") % ", ".join(behind) if behind else ""


def is_listed_again(request: "DelistRequest", actor: Actor) -> str:
    if queries.listed(request.host) is None:
        return _("It is not listed.")
    return _("They have been told.") if request.relisted_at else ""
