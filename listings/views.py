"""The plain feed over HTTP: made for programs that poll it."""

import os
from datetime import timedelta
from typing import BinaryIO, cast

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.views.decorators.http import require_safe

from listings.sinks.plain.files import path_of, read_head

POLL = timedelta(seconds=300)  # rspamd takes no shorter one, and without it polls every 20 min
RETRY_AFTER = 60  # seconds
TEXT = "text/plain; charset=us-ascii"
FAMILIES = {"": None, "4": 4, "6": 6}


@require_safe
def plain(request: HttpRequest) -> HttpResponseBase:
    """The published list: ``?family=4`` or ``6`` for one family only.

    Never an empty answer in place of a list: a consumer would let everyone in.
    """
    family = request.GET.get("family", "")
    if family not in FAMILIES:
        return HttpResponse("family is 4 or 6.\n", status=400, content_type=TEXT)
    try:
        file = path_of(FAMILIES[family]).open("rb")
    except FileNotFoundError:
        return _unavailable()
    try:
        return _answer(request, file)
    except (OSError, ValueError):
        file.close()
        return _unavailable()


def _answer(request: HttpRequest, file: BinaryIO) -> HttpResponseBase:
    """Everything is taken from the open file: another may have its name by now."""
    head = read_head(file)
    size = file.seek(0, 2)
    file.seek(0)
    modified = int(os.fstat(file.fileno()).st_mtime)
    etag = f'"{head.sha256}-{head.serial}"'
    response: HttpResponse | FileResponse
    if request.method == "HEAD":
        file.close()
        response = HttpResponse(content_type=TEXT)
    else:
        response = FileResponse(file, content_type=TEXT)
    response.headers["Content-Length"] = str(size)
    response.headers["ETag"] = etag
    response.headers["Last-Modified"] = http_date(modified)
    response.headers["Expires"] = http_date((timezone.now() + POLL).timestamp())
    unchanged = get_conditional_response(request, etag, modified, cast(HttpResponse, response))
    if unchanged is not None and unchanged is not response:
        response.close()
        return unchanged
    return response


def _unavailable() -> HttpResponse:
    return HttpResponse(
        "No list has been published yet. Keep the one you have and try again.\n",
        status=503,
        content_type=TEXT,
        headers={"Retry-After": str(RETRY_AFTER), "Cache-Control": "no-store"},
    )
