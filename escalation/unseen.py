"""Pages that are one person's alone: in no cache, no search engine, and no other site's log."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse

View = Callable[..., HttpResponse]


def unseen(view: View) -> View:
    """Keep the page out of caches and search engines, and its address to itself.

    A page with a form says ``with_form``: under ``no-referrer`` browsers send ``Origin: null``
    with a POST, which the CSRF check refuses.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response.headers["Cache-Control"] = "private, no-store"
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        return response

    return answer


def with_form(response: HttpResponse) -> HttpResponse:
    """Let the page's own forms say where they come from."""
    response.headers["Referrer-Policy"] = "same-origin"
    return response
