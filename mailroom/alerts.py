"""Words to the operator: something needs a person, and waits for one."""

from django.conf import settings

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
