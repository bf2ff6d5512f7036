"""The guide's pages, the dictionary of codes, and the search over both."""

from contextlib import suppress

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from escalation import prefixes
from escalation.errors import Refused
from guide import codes
from guide import search as searching
from guide.pages import all_pages
from guide.wording import class_of, subject_of


def spoken() -> str:
    """The reader's language, one of ours."""
    return (get_language() or settings.LANGUAGE_CODE)[:2]


@require_safe
def contents(request: HttpRequest) -> HttpResponse:
    return render(request, "guide/contents.html", {"pages": all_pages(spoken()).values()})


@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    pages = all_pages(spoken())
    if (shown := pages.get(slug)) is None:
        raise Http404
    names = list(pages)
    place = names.index(slug)
    context = {
        "page": shown,
        "before": pages[names[place - 1]] if place else None,
        "after": pages[names[place + 1]] if place + 1 < len(names) else None,
        "is_foreign": shown.language != spoken(),
    }
    return render(request, "guide/page.html", context)


@require_safe
def codes_list(request: HttpRequest) -> HttpResponse:
    groups: dict[str, list[codes.Entry]] = {}
    for entry in codes.entries():
        groups.setdefault(entry.said_by, []).append(entry)
    order = sorted(groups, key=lambda who: (who != codes.OURS, who == "", who.lower()))
    context = {"groups": [(who, groups[who]) for who in order], "ours": codes.OURS}
    return render(request, "guide/codes.html", context)


@require_safe
def code(request: HttpRequest, slug: str) -> HttpResponse:
    """All that is known under a code or a mark; an unknown code is told by its digits."""
    if len(slug) > searching.LONGEST:
        raise Http404
    found = codes.named(slug)
    parsed = codes.parse(slug)
    if not found and parsed is None:
        if spelled := searching.code_in(slug):
            return redirect("guide:code", spelled)
        hits = searching.find(slug, spoken())
        context = {"query": slug, "hits": hits, "unknown": True}
        return render(request, "guide/search.html", context, status=404)
    context = {
        "code": slug,
        "entries": found,
        "ours": codes.OURS,
        "about": [class_of(parsed), subject_of(parsed)] if parsed else [],
    }
    return render(request, "guide/code.html", context)


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """What fits the words; a code alone leads to its page at once."""
    query = request.GET.get("q", "").strip()[: searching.LONGEST].replace("\0", "")
    with suppress(Refused):
        found = prefixes.shown(prefixes.parse_prefix(query))
        return redirect(f"{reverse('delisting:find')}?{urlencode({'address': found})}")
    if (
        query
        and (spelled := searching.code_in(query))
        and not any(len(word) > 3 and word.isalpha() for word in query.split())
    ):
        return redirect("guide:code", spelled)
    hits = searching.find(query, spoken()) if query else []
    return render(request, "guide/search.html", {"query": query, "hits": hits})
