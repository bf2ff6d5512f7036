"""What pages show of a ticket or a conversation: plain rows for the templates."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Prefetch
from django.http import HttpResponse
from django.utils.translation import gettext as _

from escalation.actors import CUSTOMER, Role
from mailroom import dsn
from mailroom.lists import Blocklist, by_name
from tickets.lifecycle import Party
from tickets.models import Attachment, Conversation, Message, Ticket

PARTY_OF = {
    Role.ADMIN: Party.CUSTOMER,
    Role.MEMBER: Party.CUSTOMER,
    Role.SENDER: Party.SENDER,
    Role.OWNER: Party.OWNER,
    Role.AGENT: Party.DESK,
    Role.DESK: Party.DESK,
}


LATEST = 50  # messages shown at first


MOST = 1000  # messages that anybody is shown


def messages_of(conversation: Conversation, latest: int = LATEST + 1) -> list[Message]:
    """The ``latest`` messages with authors and files, oldest first, in two queries.

    One more than ``LATEST`` tells that there are earlier ones.
    """
    files = Attachment.objects.defer("content")
    rows = conversation.messages.select_related("user").prefetch_related(
        Prefetch("attachments", files)
    )
    return list(rows.order_by("-pk")[:latest])[::-1]


def talk_rows(
    messages: "Iterable[Message]", reader: Party, reader_id: int | None, file_url: Any
) -> list[dict[str, Any]]:
    """Rows for ``{% talk %}``; agents are "the desk" to everybody but agents."""
    return [
        {
            "party": PARTY_OF[Role(message.role)].value,
            "author": author(message, reader, reader_id),
            "when": message.written_at,
            "text": message.text,
            "files": [
                {"url": file_url(file), "name": file.name, "size": file.size}
                for file in message.attachments.all()
            ],
        }
        for message in messages
    ]


def author(message: Message, reader: Party, reader_id: int | None) -> str:
    """Who wrote it, as ``reader`` may know it."""
    role = Role(message.role)
    if role in {Role.AGENT, Role.DESK}:
        return str(message.user) if reader == Party.DESK and message.user else _("The desk")
    if role in CUSTOMER and message.user is not None:
        if message.user_id == reader_id:
            return _("You (%s)") % message.user
        return str(message.user) if reader in {Party.CUSTOMER, Party.DESK} else _("The customer")
    if role == Role.SENDER:
        return _("You") if reader == Party.SENDER else _("The sender")
    return _("The owner")


def download(file: Attachment) -> HttpResponse:
    """A file as it came: only ever a download, never shown or run in our origin."""
    response = HttpResponse(bytes(file.content), content_type="application/octet-stream")
    ascii_name = file.name.encode("ascii", "replace").decode().replace('"', "'").replace("?", "_")
    response["Content-Disposition"] = f'attachment; filename="{ascii_name}"'
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


def whose_list(ticket: Ticket) -> Blocklist | None:
    """The list that the reply names, for a ticket that is not about ours."""
    if not ticket.list_named:
        return None
    return by_name(ticket.list_named) or Blocklist(ticket.list_named, (), "")


def from_bounce(content: bytes) -> dict[str, str]:
    """What a bounce fills into the form; empty where it says nothing.

    ``problem`` holds words for the person when the bounce could not be read.
    """
    found = dsn.read(content)
    if found.kind == "unreadable":
        return {"problem": _("We could not read this. You can fill in the form by hand.")}
    if found.kind in {"other", "report"} and not found.results:
        return {"problem": _("This is no bounce that we know. You can fill in the form by hand.")}
    result = dsn.first_blocked(found) or (found.results[0] if found.results else None)
    original = found.original
    return {
        "prefix": result.blocked_address if result else "",
        "recipient": result.recipient if result else "",
        "smtp_reply": (result.diagnostic if result else "")[:5000],
        "sender_email": original.sender_email if original else "",
        "sender_name": original.sender_name if original else "",
    }
