"""Whether an edition may go out, or looks like an accident."""

from django.conf import settings
from django.utils.translation import gettext as _

from listings.editions import Edition
from listings.models import Publication


def why_held(edition: Edition, last: Publication | None) -> str:
    """Why ``edition`` must wait for an agent, "" if it need not.

    ``last`` is what is out.  Lines become fewer when neighbours merge, and by
    many when one listing with many exceptions goes: a list counts as shrunken
    only when its lines and its listings both are.
    """
    if last is None or not last.n_prefixes:
        return ""
    names = {
        "serial": edition.serial,
        "last": last.serial,
        "n": edition.n_prefixes,
        "before": last.n_prefixes,
        "percent": settings.POSTERN_SHRINK_PERCENT,
    }
    if edition.n_prefixes == 0:
        return (
            _("The list of serial %(serial)d is empty; serial %(last)d has %(before)d prefixes.")
            % names
        )
    fewer_listings = _shrunken(edition.n_listings, last.n_listings or 0)
    if fewer_listings and _shrunken(edition.n_prefixes, last.n_prefixes):
        return (
            _(
                "The list of serial %(serial)d has %(n)d prefixes and serial %(last)d has "
                "%(before)d: it would shrink by %(percent)d %% or more."
            )
            % names
        )
    return ""


def _shrunken(now: int, before: int) -> bool:
    lost = before - now
    return lost > 0 and 100 * lost >= settings.POSTERN_SHRINK_PERCENT * before
