"""Moments in words: how long ago, and exactly when.

All of them speak the active language and the active time zone.
"""

from datetime import datetime

from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.translation import gettext, ngettext

MINUTE, HOUR, DAY = 60, 3600, 86400  # seconds
WEEK, MONTH, YEAR = 7 * DAY, 30 * DAY, 365 * DAY


def exact(moment: datetime) -> str:
    """The moment to the minute, with its time zone.

    >>> from datetime import timezone
    >>> exact(datetime(2026, 3, 10, 9, 14, tzinfo=timezone.utc))
    'Tuesday 10 March 2026, 09:14 UTC'
    """
    # Translators: a date format of Django's, see "date" in its template reference.
    return date_format(timezone.localtime(moment), gettext("l j F Y, H:i T"))


def day(moment: datetime) -> str:
    """The date.

    >>> from datetime import timezone
    >>> day(datetime(2026, 3, 10, 9, 14, tzinfo=timezone.utc))
    '10 March 2026'
    """
    # Translators: a date format of Django's: day, month and year.
    return date_format(timezone.localtime(moment), gettext("j F Y"))


def short(moment: datetime) -> str:
    """As little as tells the moment apart today: time, weekday and time, or date."""
    local, now = timezone.localtime(moment), timezone.localtime()
    days = abs((now.date() - local.date()).days)
    if days == 0:
        form = "H:i"
    elif days < 7:
        # Translators: a date format of Django's: weekday and time.
        form = gettext("D H:i")
    elif local.year == now.year:
        # Translators: a date format of Django's: day and month.
        form = gettext("j F")
    else:
        # Translators: a date format of Django's: day, month and year.
        form = gettext("j F Y")
    return date_format(local, form)


def lasting(seconds: float) -> str:
    """How long something takes, in the largest unit of which it is at least two."""
    if seconds >= 2 * DAY:
        n = round(seconds / DAY)
        return ngettext("%d day", "%d days", n) % n
    if seconds >= 2 * HOUR:
        n = round(seconds / HOUR)
        return ngettext("%d hour", "%d hours", n) % n
    if seconds >= 2 * MINUTE:
        n = round(seconds / MINUTE)
        return ngettext("%d minute", "%d minutes", n) % n
    n = max(1, round(seconds))
    return ngettext("%d second", "%d seconds", n) % n


def relative(moment: datetime) -> str:
    """How long ago, or in what time: in minutes, hours, days, weeks, months or years."""
    seconds = (timezone.now() - moment).total_seconds()
    if abs(seconds) < MINUTE:
        return gettext("just now") if seconds >= 0 else gettext("at once")
    return _ago(seconds) if seconds > 0 else _ahead(-seconds)


def _ago(seconds: float) -> str:
    if seconds < HOUR:
        n = int(seconds // MINUTE)
        return ngettext("%(n)d minute ago", "%(n)d minutes ago", n) % {"n": n}
    if seconds < DAY:
        n = int(seconds // HOUR)
        return ngettext("%(n)d hour ago", "%(n)d hours ago", n) % {"n": n}
    if seconds < 2 * WEEK:
        n = int(seconds // DAY)
        return ngettext("%(n)d day ago", "%(n)d days ago", n) % {"n": n}
    if seconds < 2 * MONTH:
        n = int(seconds // WEEK)
        return ngettext("%(n)d week ago", "%(n)d weeks ago", n) % {"n": n}
    if seconds < 2 * YEAR:
        n = int(seconds // MONTH)
        return ngettext("%(n)d month ago", "%(n)d months ago", n) % {"n": n}
    n = int(seconds // YEAR)
    return ngettext("%(n)d year ago", "%(n)d years ago", n) % {"n": n}


def _ahead(seconds: float) -> str:
    if seconds < HOUR:
        n = int(seconds // MINUTE)
        return ngettext("in %(n)d minute", "in %(n)d minutes", n) % {"n": n}
    if seconds < DAY:
        n = int(seconds // HOUR)
        return ngettext("in %(n)d hour", "in %(n)d hours", n) % {"n": n}
    n = int(seconds // DAY)
    return ngettext("in %(n)d day", "in %(n)d days", n) % {"n": n}
