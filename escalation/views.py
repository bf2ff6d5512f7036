"""The few pages of the ground: the language, and the health checks."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from escalation.health import healthz, healthz_jobs

__all__ = ["healthz", "healthz_jobs", "language"]


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Placeholder; replaced at once."""
    return HttpResponseRedirect("/")
