"""The ``Idempotency-Key`` of a request: sent again with the same key, it does nothing twice."""

from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from escalation.errors import Refused

LONGEST_KEY: Final = 100  # characters
HEADER: Final = "Idempotency-Key"
KEY: Final = OpenApiParameter(
    HEADER, str, OpenApiParameter.HEADER, description=f"At most {LONGEST_KEY} characters."
)


class TooLongKey(Refused):
    """The key of a request is longer than any."""

    code = "idempotency-key-too-long"
    status = 422
    title = gettext_lazy("The idempotency key is too long")


def key_of(request: Request) -> str:
    """The key of a request, "" if it has none; kept apart from the pages' keys.

    Raises ``TooLongKey``.
    """
    key = request.headers.get(HEADER, "").strip()
    if len(key) > LONGEST_KEY:
        raise TooLongKey(_("An Idempotency-Key may have 100 characters."))
    return f"api:{key}" if key else ""
