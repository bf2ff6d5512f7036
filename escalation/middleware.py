"""Headers on every answer, and the operator's words on every page."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


def headers(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """No feature of the browser that we do not use; nobody's page in a cache."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        if "sessionid" in request.COOKIES:
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return answer


def operator(request: HttpRequest) -> dict[str, object]:
    """What templates may say of the installation."""
    return {
        "desk_name": settings.POSTERN_NAME,
        "operator_name": settings.POSTERN_OPERATOR,
        "postmaster": settings.POSTERN_POSTMASTER,
        "languages": settings.LANGUAGES,
        "demo": settings.POSTERN_DEMO,
    }
