"""The mailbox page: what would be in everybody's mailbox, to try Postern out.  Demo mode only."""

from dataclasses import dataclass

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from mailroom import mailbox


@dataclass(frozen=True, slots=True)
class Leaf:
    """One page of the list; ``newer`` and ``older`` are query strings, "" at the ends."""

    pieces: list[mailbox.Piece]
    newer: str
    older: str


@require_safe
def letters(request: HttpRequest) -> HttpResponse:
    _demo_only()
    typed = request.GET.get("page", "1")
    number = max(1, int(typed)) if typed.isascii() and typed.isdigit() and len(typed) < 9 else 1
    start, names = (number - 1) * mailbox.SIZE, mailbox.names()
    leaf = Leaf(
        [mailbox.read(name) for name in names[start : start + mailbox.SIZE]],
        f"?page={number - 1}" if number > 1 else "",
        f"?page={number + 1}" if len(names) > start + mailbox.SIZE else "",
    )
    return render(request, "mailroom/letters.html", {"leaf": leaf})


@require_safe
def letter(request: HttpRequest, name: str) -> HttpResponse:
    _demo_only()
    try:
        piece = mailbox.read(name)
    except FileNotFoundError:
        raise Http404(_("There is no such letter.")) from None
    context = {"piece": piece, "text": mailbox.with_links(piece.text)}
    return render(request, "mailroom/letter.html", context)


def _demo_only() -> None:
    if not settings.POSTERN_DEMO:
        raise Http404
