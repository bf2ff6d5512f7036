"""The letters about a request: each written once, in the language in which it was asked."""

from typing import Any

from delisting.models import DelistRequest, Proof
from listings.models import Listing
from mailroom.actions import write
from mailroom.models import Letter


def link_key(request: DelistRequest, number: int) -> str:
    """What the token in the confirmation letter of that number is derived from."""
    return f"delist:{request.seed}:{number}"


def status_key(request: DelistRequest) -> str:
    """What the token of the status page is derived from: it shows, and cannot lift."""
    return f"delist-status:{request.seed}"


def confirmation(request: DelistRequest) -> Letter:
    """The letter whose link leads to the button."""
    return write(
        key=f"delist:{request.pk}:{request.letters}",
        kind="delist-confirm",
        recipient=request.email,
        language=request.language,
        template="delisting/email/confirm",
        context={"request": request},
        link_path="/delist/{token}/",
        link_key=link_key(request, request.letters),
    )


def outcome(request: DelistRequest) -> None:
    """What became of it, for whoever has closed the page.

    Like ``relisted`` it goes only to a mailbox that its reader has confirmed by our link.
    """
    _about(request, "outcome", {"request": request})


def relisted(request: DelistRequest, listing: Listing) -> None:
    """The address is refused again: why, and what was seen."""
    _about(request, "relisted", {"request": request, "listing": listing})


def _about(request: DelistRequest, template: str, context: dict[str, Any]) -> None:
    if request.proof != Proof.LETTER or not request.email:  # it may be forgotten by now
        return
    write(
        key=f"delist:{request.pk}:{template}",
        kind=f"delist-{template}",
        recipient=request.email,
        language=request.language,
        template=f"delisting/email/{template}",
        context=context,
        link_path="/delist/request/{token}/",
        link_key=status_key(request),
    )
