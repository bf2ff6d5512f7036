"""What sinks fetch over HTTP: made for programs that poll."""

import os
from datetime import timedelta
from typing import BinaryIO, cast

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.views.decorators.http import require_safe

from escalation import prefixes
from escalation.errors import Refused
from listings import sinks
from listings.models import Sink
from listings.sinks import fetched
from listings.sinks.files import path_of, read_head

POLL = timedelta(seconds=300)  # rspamd takes no shorter one, and without it polls every 20 min
RETRY_AFTER = 60  # seconds
TEXT = "text/plain; charset=us-ascii"


@require_safe
def feed(request: HttpRequest, kind: str, name: str = "") -> HttpResponseBase:
    """A file of the published list, for a sink of that kind with its token.

    No such kind, no such file and no such token are the same answer.  Never
    an empty answer in place of a list: a consumer would let everyone in.
    """
    its = sinks.KINDS.get(kind)
    file_name = its.FILES.get(name or request.GET.get("family", "")) if its else None
    sink = fetched.asker(request, kind)
    if file_name is None or sink is None:
        return _not_for_you()
    try:
        file = path_of(file_name).open("rb")
    except FileNotFoundError:
        return _unavailable()
    try:
        return _answer(request, file, sink)
    except (OSError, ValueError):
        file.close()
        return _unavailable()


def _answer(request: HttpRequest, file: BinaryIO, sink: Sink) -> HttpResponseBase:
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
    response.headers["Cache-Control"] = "private"
    unchanged = get_conditional_response(request, etag, modified, cast(HttpResponse, response))
    is_new = unchanged is None or unchanged is response
    if sink.token_digest:
        holds = not is_new or request.method == "GET"
        fetched.note(sink, head.serial, holds=holds, address=_address(request))
    if not is_new and unchanged is not None:
        file.close()  # not the response, whose end would be taken for the request's
        return unchanged
    return response


def _address(request: HttpRequest) -> str | None:
    """Who connected, None behind a socket without addresses."""
    try:
        return str(prefixes.parse_address(request.META.get("REMOTE_ADDR", "")))
    except Refused:
        return None


def _not_for_you() -> HttpResponse:
    return HttpResponse(
        "This list is for sinks that have a token for it: HTTP Basic with the token as password, "
        "or a Bearer token. Tokens are made at the desk.\n",
        status=401,
        content_type=TEXT,
        headers={"WWW-Authenticate": 'Basic realm="feeds", charset="UTF-8"'},
    )


def _unavailable() -> HttpResponse:
    return HttpResponse(
        "No list has been published yet. Keep the one you have and try again.\n",
        status=503,
        content_type=TEXT,
        headers={"Retry-After": str(RETRY_AFTER), "Cache-Control": "no-store"},
    )
