"""The page that says what we refuse and how it comes off, for anybody."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from delisting import policy
from listings.models import ReasonClass
from tickets.figures import left


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The figures, the rules by which listings come off, and what it costs: nothing."""
    found = left()
    labels = dict(ReasonClass.choices)
    rules = policy.rules()
    context = {
        "figures": found,
        "made_at": parse_datetime(found["made_at"]),
        "classes": [(labels[key], n) for key, n in found["by_class"].items() if key in labels],
        "table": [
            (label, [rules[str(kind), nth] for nth in (1, 2, 3)])
            for kind, label in ReasonClass.choices
        ],
    }
    return render(request, "tickets/transparency.html", context)


@require_safe
def as_json(request: HttpRequest) -> JsonResponse:
    return JsonResponse(left())
