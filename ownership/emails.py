"""What our letters to owners say.  Pure: rows in, template and words out.

Every letter is in English and in Korean, the likelier language of the reader
first, and has at most one link.  No letter says who asked us.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from escalation import prefixes
from ownership.models import Answer, Inquiry, Network, NetworkContact, Request

LANGUAGES = ("en", "ko")

# Why a prefix is listed, as its owner may read it; by the listing's class.
REASONS: dict[str, str | Promise] = {
    "automatic": _("unwanted mail came from it"),
    "trap": _("mail from it reached addresses that never asked for any"),
    "policy": _("it looks like dynamic space, or has no reverse name"),
    "range": _("unwanted mail came from several addresses of the range"),
    "manual": _("it was entered by our staff"),
}
# Letters speak both languages at once, whatever the catalogue of translations holds.
REASONS_KO = {
    "automatic": "원치 않는 메일이 발송됨",
    "trap": "수신을 요청한 적 없는 주소로 메일이 발송됨",
    "policy": "유동 주소로 보이거나 역방향 이름이 없음",
    "range": "대역의 여러 주소에서 원치 않는 메일이 발송됨",
    "manual": "담당 직원이 등록함",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A letter to be written, in the words of ``mailroom.actions.write``."""

    kind: str
    template: str
    language: str
    context: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """What may be said of one prefix that is asked about."""

    prefix: str
    listed_at: datetime | None
    reason: str
    hits: int
    last_hit_at: datetime | None

    @property
    def reason_text(self) -> str | Promise:
        return REASONS.get(self.reason, "")

    @property
    def reason_ko(self) -> str:
        return REASONS_KO.get(self.reason, "")


def seen(inquiry: Inquiry) -> Seen:
    """The inquiry's evidence, read."""
    evidence = inquiry.evidence
    return Seen(
        prefix=prefixes.shown(inquiry.asked),
        listed_at=_moment(evidence.get("listed_at")),
        reason=str(evidence.get("reason", "")),
        hits=int(evidence.get("hits") or 0),
        last_hit_at=_moment(evidence.get("last_hit_at")),
    )


def _moment(value: object) -> datetime | None:
    return parse_datetime(value) if isinstance(value, str) else None


def holder_of(network: Network) -> str:
    """The holder's name; not where it would bring a second link into the letter."""
    name = network.organisation
    return "" if "://" in name or "www." in name.lower() else name


def language_of(network: Network) -> str:
    """The language that stands first: Korean for networks in Korea."""
    return "ko" if network.country == "KR" else "en"


def _draft(kind: str, request: Request, **context: Any) -> Draft:
    language = language_of(request.network)
    both = [language, *(one for one in LANGUAGES if one != language)]
    return Draft(
        kind=f"owner-{kind}",
        template=f"ownership/email/{kind}",
        language=language,
        context={
            "parts": [f"ownership/email/parts/{kind}.{one}.txt" for one in both],
            "reasons": [f"ownership/email/parts/why.{one}.txt" for one in both],
            "first": language,
            "email": request.contact.email,
            "network": request.network,
            "holder": holder_of(request.network),
            "desk_url": "",  # one link in the letter, and that is the answer's
            **context,
        },
    )


def question(
    request: Request, inquiries: Sequence[Inquiry], place: NetworkContact | None, *, reminder: bool
) -> Draft:
    """Whether the prefixes are theirs, and shall be let in."""
    forwarder = request.forwarded_from
    return _draft(
        "reminder" if reminder else "request",
        request,
        seen=[seen(one) for one in inquiries],
        prefix=prefixes.shown(inquiries[0].asked),
        n_more=len(inquiries) - 1,
        expires_at=request.expires_at,
        first_written_at=request.opened_at,
        found_at=place.last_seen_at if place else request.opened_at,
        registry=request.network.registry,
        forwarder=forwarder.contact.email if forwarder else "",
        by_hand=place is None and forwarder is None,
    )


def notice(request: Request, confirmed: Answer, shown: Sequence[str]) -> Draft:
    """That another contact of the network has confirmed, and how to say that this is wrong."""
    return _draft(
        "notice",
        request,
        prefixes=shown,
        prefix=shown[0],
        n_more=len(shown) - 1,
        given_at=confirmed.given_at,
        expires_at=request.expires_at,
        registry=request.network.registry,
    )


def receipt(answer: Answer) -> Draft:
    """What they answered, and what became of it."""
    shown = [prefixes.shown(prefixes.parse_prefix(one)) for one in answer.prefixes]
    return _draft(
        "receipt",
        answer.request,
        prefixes=shown,
        prefix=shown[0] if shown else "",
        answer=answer,
    )
