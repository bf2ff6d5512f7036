"""Headers on every answer, and the operator's words on every page."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

TEXT = "text/plain; charset=utf-8"
UTF8 = ("utf-8", "utf8")
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


def headers(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """No feature of the browser that we do not use; nobody's page in a cache."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        if settings.SESSION_COOKIE_NAME in request.COOKIES or request.path.startswith("/api/v"):
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return answer


def bounded(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Refuse a body that is larger than any form of ours, before anything reads it.

    Django bounds fields, and the number of files, but not the size of a file.
    A body of unannounced length is read as empty.  Forms are in UTF-8: other names of a charset
    lead to codecs that are none of text.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        announced = request.META.get("CONTENT_LENGTH") or "0"
        is_number = announced.isascii() and announced.isdigit() and len(announced) <= 12
        if not is_number or int(announced) > settings.BODY_MAX:
            return HttpResponse("This is more than we take at once.\n", TEXT, status=413)
        charset = (request.content_params or {}).get("charset", "utf-8")
        if request.content_type == "multipart/form-data" and charset.lower() not in UTF8:
            return HttpResponse("Send forms in UTF-8.\n", TEXT, status=415)
        return get_response(request)

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
