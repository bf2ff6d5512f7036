"""Why a mail could not be read, in words for agents."""

from typing import Final

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from mailroom import diagnosis

REASONS: Final[dict[str, StrOrPromise]] = {
    diagnosis.EMPTY: _("It is empty."),
    diagnosis.TOO_LARGE: _("It is too large."),
    diagnosis.TOO_MANY_PARTS: _("It has too many parts."),
    diagnosis.TOO_DEEP: _("Its parts are nested too deep."),
    diagnosis.TOO_MANY_HEADERS: _("It has too many header lines."),
    diagnosis.OUTLOOK_MSG: _("It is an Outlook file, not a mail."),
    diagnosis.OUT_OF_TIME: _("Reading it took too long, and was ended."),
    diagnosis.MALFORMED: _("Its form is broken."),
}


def unread_in_words(code: str) -> str:
    return str(REASONS.get(code, code))
