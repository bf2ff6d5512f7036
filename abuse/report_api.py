"""Reports by program: a mail, an XARF document, or files; with a tenant's key, or without one."""

from typing import IO, Any

from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from abuse import uploads
from abuse.reading import is_document
from customers.authentication import HasScope, KeyAuthentication
from customers.models import ApiKey
from escalation.errors import Refused
from escalation.limits import visitor
from escalation.problems import PROBLEM, ProblemSerializer
from mailroom.models import Channel, Purpose
from mailroom.receiving import MAX_BYTES, TooLarge

PROBLEMS = {
    (code, PROBLEM): ProblemSerializer for code in (400, 401, 403, 413, 415, 422, 429)
}  # fmt: skip
FILES = {
    "type": "object",
    "properties": {
        "file": {"type": "array", "items": {"type": "string", "format": "binary"}, "maxItems": 20}
    },
}
BODIES = {
    "message/rfc822": OpenApiTypes.BINARY,
    "application/json": OpenApiTypes.OBJECT,
    "multipart/form-data": FILES,
}


class _AsItIs(BaseParser):
    """The octets of the body as ``body``, one more than we take at most."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, bytes]:
        return {"body": bytes(stream.read(MAX_BYTES + 1))}


class MailParser(_AsItIs):
    """A mail (RFC 5322): a report, or the junk itself."""

    media_type = "message/rfc822"


class DocumentParser(_AsItIs):
    """An XARF document; it is read later, in a process that may die of it."""

    media_type = "application/json"


class FromAPage(Refused):
    """Programs alone report here: else any page could have its visitors' browsers do it."""

    code = "from-a-page"
    status = 403
    title = gettext_lazy("Pages of others cannot report here")


class IntakeQuerySerializer(serializers.Serializer[Any]):
    """``not_junk`` is for mail that we filtered wrongly."""

    purpose = serializers.ChoiceField(
        choices=[(Purpose.JUNK, "junk"), (Purpose.NOT_JUNK, "not_junk")], default=Purpose.JUNK
    )


class TakenSerializer(serializers.Serializer[Any]):
    """What we have: ``reports`` are new, ``duplicates`` came before and have no link.

    ``url`` is the page that shows what becomes of them, null where nothing is new.
    """

    url = serializers.URLField(allow_null=True)
    token = serializers.CharField(allow_null=True)
    reports = serializers.IntegerField()
    duplicates = serializers.IntegerField()


class ReportIntake(APIView):
    """Junk that one of our customers sent, or reports of it (ARF, XARF version 3 and 4)."""

    authentication_classes = [KeyAuthentication]
    permission_classes = [HasScope]
    parser_classes = [MailParser, DocumentParser, MultiPartParser]
    throttle_classes = ()  # networks are counted in escalation.limits

    @extend_schema(
        operation_id="junk_reports_create",
        parameters=[IntakeQuerySerializer],
        request=BODIES,
        responses={202: TakenSerializer, **PROBLEMS},
    )
    def post(self, request: Request) -> Response:
        if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
            raise FromAPage(_("Send your readers to our form instead."))
        asked = IntakeQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        network = visitor(request._request)
        uploads.admit(uploads.BY_API, network, [_announced(request)])
        mails = _mails(request)
        for raw in mails:
            uploads.check(raw)
        uploads.check_all([len(raw) for raw in mails])
        key = request.auth
        taken = uploads.take(
            mails,
            purpose=Purpose(asked.validated_data["purpose"]),
            channel=Channel.API,
            who=f"tenant:{key.tenant_id}" if isinstance(key, ApiKey) else uploads.who(network),
            language=get_language() or "",
        )
        return Response(_said(request, taken), status=status.HTTP_202_ACCEPTED)


def _announced(request: Request) -> int:
    """The size of the body in octets, which the server reads no further than."""
    return int(request.META.get("CONTENT_LENGTH") or 0)


def _mails(request: Request) -> list[bytes]:
    """What the body holds.  Raises ``NotAMail``, ``TooMany`` or ``TooLarge``."""
    data: Any
    try:
        data = request.data
    except TooManyFilesSent as problem:
        raise uploads.too_many() from problem
    except RequestDataTooBig as problem:
        raise TooLarge(_("Send mails as files: these fields are too large.")) from problem
    body = data.get("body")
    if isinstance(body, bytes):
        is_json = (request.content_type or "").startswith(DocumentParser.media_type)
        if is_json and body.strip() and not is_document(body):
            raise uploads.NotAMail(_("This is no XARF document: it is not a JSON object."))
        return [body]
    files = [file for _name, given in request.FILES.lists() for file in given]
    if not files:
        raise uploads.NotAMail(_("There is no mail in this request: put it into the body."))
    return [bytes(file.read(MAX_BYTES + 1)) for file in files]


def _said(request: Request, taken: uploads.Taken) -> dict[str, Any]:
    place = reverse("abuse:outcome", args=[taken.token])
    return {
        "url": request.build_absolute_uri(place) if taken.new else None,
        "token": taken.token if taken.new else None,
        "reports": taken.new,
        "duplicates": taken.known,
    }
