"""System checks: settings under which letters would not go out."""

from collections.abc import Sequence

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from mailroom import recipients

LONGEST_WAIT = 30  # seconds: the sweep of letters has 40, and starts none that might not fit


@register
def check_mail(
    app_configs: Sequence[AppConfig] | None, **options: object
) -> Sequence[CheckMessage]:
    found: list[CheckMessage] = []
    if not settings.EMAIL_TIMEOUT or settings.EMAIL_TIMEOUT > LONGEST_WAIT:
        words = f"EMAIL_TIMEOUT must be 1 to {LONGEST_WAIT} seconds: else a silent server stops us."
        found.append(Error(words, id="mailroom.E001"))
    try:
        recipients.recipient(settings.POSTERN_POSTMASTER)
    except recipients.NotAnAddress as refusal:
        found.append(Error(f"POSTERN_POSTMASTER: {refusal}", id="mailroom.E002"))
    return found
