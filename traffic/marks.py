"""How a refusal of ours is told from others in a log."""

from urllib.parse import urlsplit

from django.conf import settings


def marks() -> tuple[str, ...]:
    """Words that only our replies hold: the host of our address, and what the operator adds."""
    host = urlsplit(settings.POSTERN_URL).netloc
    return tuple(
        mark for mark in (f"//{host}/" if host else "", *settings.POSTERN_LOG_MARKS) if mark
    )
