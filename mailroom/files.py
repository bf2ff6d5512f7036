"""Other people's bytes as a download: nothing that a browser would open, run or render."""

from django.http import HttpResponse


def attachment(raw: bytes, name: str) -> HttpResponse:
    """``raw`` as a file to save; ``name`` is ours."""
    response = HttpResponse(raw, content_type="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response
