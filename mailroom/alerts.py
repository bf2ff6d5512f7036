"""Words to the operator: something needs a person, and waits for one."""

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext

from escalation.owed import Owed
from mailroom.actions import write
from mailroom.models import Letter


def alert(key: str, subject: str, text: str) -> Letter:
    """Write to the postmaster, once for each ``key``, in the caller's transaction.

    For what the service does not mend by itself.  A condition that may come
    back puts a date or a serial into its key.
    """
    return write(
        key=f"alert:{key}",
        kind=Letter.ALERT,
        recipient=settings.POSTERN_POSTMASTER,
        language=settings.LANGUAGE_CODE,
        template="mailroom/alert",
        context={"subject": subject, "text": text},
    )


def given_up(row: Owed) -> None:
    """Say that work on ``row`` has failed too often; one alert a day for each kind of row."""
    kind = row._meta.verbose_name
    text = gettext(
        "%(kind)s %(row)s was given up after too many attempts, and stays as it is. There may be "
        "others. The last error was: %(error)s\n\n"
        "The log has more. When the cause is mended: manage.py sweep --all --parked"
    )
    alert(
        f"given-up:{row._meta.label}:{timezone.localdate()}",
        gettext("Work was given up: %(kind)s") % {"kind": kind},
        text % {"kind": kind, "row": row, "error": row.last_error or "–"},
    )
