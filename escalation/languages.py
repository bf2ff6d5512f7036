"""The language that a browser keeps."""

from django.conf import settings
from django.http import HttpResponse

A_YEAR = 365 * 24 * 3600  # seconds


def remember(response: HttpResponse, chosen: str) -> None:
    """Have the browser ask for pages in the language ``chosen`` from now on."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        chosen,
        max_age=A_YEAR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
