"""Rows of the abuse desk for tests."""

from typing import Any

from django.utils import timezone

from abuse.kinds import FeedbackClass, Filed, Strength
from abuse.models import Incident, Loop, Report
from customers.models import Tenant
from mailroom.models import Channel, Purpose, Received
from mailroom.tokens import digest, token

MESSAGE = (
    "Received: from mail.clinic.example ([192.0.2.10]) by mx.far.example; "
    "Thu, 26 Nov 2026 09:00:00 +0000\n"
    "From: News <news@clinic.example>\nTo: <pat@far.example>\nSubject: Win a prize\n"
    "Message-ID: <one@clinic.example>\nDate: Thu, 26 Nov 2026 08:59:59 +0000\n\n"
    "Dear pat@far.example, click https://clinic.example/win/abcdefghijklmnopqrstuv\n"
)


def make_received(raw: bytes = b"", **fields: Any) -> Received:
    """A mail in that owes nothing (any more)."""
    number = Received.objects.count()
    raw = raw or f"Subject: junk {number}\n\n{MESSAGE}".encode()
    row = Received(
        **{
            "key": digest(f"{number}:{raw!r}"), "purpose": Purpose.JUNK, "channel": Channel.LMTP,
            "raw": raw, "size": len(raw), "mail_from": "pat@far.example",
            "recipient": "junk@mail.example", **fields,
        }
    )  # fmt: skip
    row.link_digest = digest(token(f"report:{row.seed}"))
    row.save()
    return row


def take(raw: object, **fields: Any) -> Received:
    """A mail that has just come to junk@, to be read by the next sweep."""
    octets = bytes(raw)  # type: ignore[call-overload]
    return make_received(octets, due_at=timezone.now(), **fields)


def make_incident(tenant: Tenant, **fields: Any) -> Incident:
    return Incident.objects.create(
        **{"tenant": tenant, "feedback_class": FeedbackClass.ABUSE, **fields}
    )


def make_report(
    tenant: Tenant | None = None, incident: Incident | None = None, **fields: Any
) -> Report:
    """A counted report with a proof, unless ``fields`` say otherwise."""
    known = {
        "filed": Filed.COUNTED, "format": "arf", "feedback_class": FeedbackClass.ABUSE,
        "strength": Strength.A1, "why": ["dkim"], "reporter": digest("pat@far.example"),
        "reporter_email": "pat@far.example", "source_address": "192.0.2.10",
        "from_domain": "clinic.example", "subject": "Win a prize",
        "message_id": "one@clinic.example", "evidence": MESSAGE,
        "facts": {"verified": [["clinic.example", "s1", "A1"]], "signatures": [], "hops": []},
    }  # fmt: skip
    if "received" not in fields:
        fields["received"] = make_received()
    return Report.objects.create(tenant=tenant, incident=incident, **{**known, **fields})


# What tells who reported: their mailbox, in every place where a mail names it, and their words.
HOSTILE = (
    "Received: by mx4.google.example with SMTP id abc; Thu, 26 Nov 2026 09:00:02 +0000\r\n"
    "Delivered-To: patricia@far.example\r\nX-Original-To: patricia@far.example\r\n"
    "Received: from out.clinic.example ([192.0.2.10]) by mx4.inbox.example (Postfix)\r\n"
    " for <patricia@far.example>; Thu, 26 Nov 2026 09:00:00 +0000\r\n"
    "From: News <news@clinic.example>\r\nTo: Patricia Zellweger <patricia@far.example>\r\n"
    "Subject: patricia, <script>alert(1)</script>\r\nMessage-ID: <one@clinic.example>\r\n"
    "List-Unsubscribe: <https://clinic.example/u?patricia=40far.example>\r\n\r\n"
    "Dear patricia@far.example, </pre><script>alert(2)</script>\r\n"
    "https://clinic.example/win/patricia-far-example-0123456789\r\n"
)
REPORTER = (
    "patricia",
    "far.example",
    "network-of-uploads",
    "never asked",
    "d1gest",
    "zellweger",
    "google",
    "inbox.example",
)


def hostile_report(tenant: Tenant, incident: Incident | None = None, **fields: Any) -> Report:
    """A report that names its reporter wherever a report can."""
    mail = make_received(
        b"From: patricia@far.example\n\nI never asked for it.\n" + HOSTILE.encode(),
        mail_from="patricia@far.example", who="network-of-uploads",
    )  # fmt: skip
    known = {
        "received": mail, "evidence": HOSTILE, "reporter": "d1gest",
        "reporter_email": "patricia@far.example", "from_domain": "clinic.example",
        "subject": "patricia, <script>alert(1)</script>",
    }  # fmt: skip
    return make_report(tenant, incident, **{**known, **fields})


def make_loop(tenant: Tenant, **fields: Any) -> Loop:
    """A feedback loop for the tenant's domain that has been proved."""
    challenge = digest(f"{Loop.objects.count()}")[:32]
    return Loop.objects.create(
        **{
            "tenant": tenant, "domain": "clinic.example", "email": "fbl@clinic.example",
            "challenge": challenge, "status_digest": digest(challenge),
            "proved_at": timezone.now(), **fields,
        }
    )  # fmt: skip
