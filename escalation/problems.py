"""Refusals as HTTP answers: problem details (RFC 9457)."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions, serializers
from rest_framework.response import Response
from rest_framework.views import exception_handler

from escalation.errors import Refused

PROBLEM = "application/problem+json"


class ProblemSerializer(serializers.Serializer[Any]):
    """A refusal or an error, for the schema (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    link = serializers.CharField(required=False)
    errors = serializers.DictField(required=False)  # type: ignore[assignment]  # RFC 9457's own name


def document(status: int, code: str, title: str, detail: str, **more: Any) -> dict[str, Any]:
    """Build the members of RFC 9457, section 3.1, and any extension members."""
    return {
        "type": f"urn:postern:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        **more,
    }


def as_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer any refusal with a problem document; the rest is a server error."""
    if isinstance(error, Refused):
        more: dict[str, Any] = {"link": error.link} if error.link else {}
        if error.field:
            more["errors"] = {error.field: [error.message]}
        body = document(error.status, error.code, str(error.title), error.message, **more)
        return Response(body, status=error.status, content_type=PROBLEM)
    if isinstance(error, RecursionError):  # the JSON reader's answer to a million brackets
        error = exceptions.ParseError()
    response = exception_handler(error, context)
    if response is None:
        return None
    response.data = _plain(error, response)
    response.content_type = PROBLEM
    return response


def _plain(error: Exception, response: Response) -> dict[str, Any]:
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, exceptions.ValidationError):
        title = str(exceptions.ValidationError.default_detail)
        return document(response.status_code, "invalid", title, title, errors=error.detail)
    detail = str(getattr(error, "detail", ""))
    title = str(getattr(type(error), "default_detail", detail))
    code = str(getattr(error, "default_code", "error")).replace("_", "-")
    return document(response.status_code, code, title, detail)
