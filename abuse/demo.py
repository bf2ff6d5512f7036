"""Made-up reports for demo mode: about mail of a customer, proved, claimed, and not ours."""

from datetime import timedelta

from django.utils import timezone

from abuse import trace
from abuse.models import AddressRange, Report, Reporter, SentVolume
from abuse.tracing import trace_key
from customers.models import Tenant
from mailroom.models import Channel, Purpose, Received
from mailroom.receiving import store

DOMAINS = ("inbox.example", "far.example", "post.example", "kim.example", "mail.test.example")
SUBJECTS = ("You have won", "Last notice", "Cheap watches", "Your parcel waits", "Invoice 4711")


def make(tenant: Tenant, domain: str) -> None:
    """Mails to junk@ about the tenant's mail, of the last days; the sweep reads them."""
    if Received.objects.filter(purpose=Purpose.JUNK).exists() or Report.objects.exists():
        return
    now = timezone.now()
    AddressRange.objects.get_or_create(
        prefix="198.51.100.128/26", tenant=None,
        defaults={"valid_from": now - timedelta(days=365)},
    )  # fmt: skip
    Reporter.objects.get_or_create(
        domain="inbox.example", defaults={"name": "Inbox", "mailbox": "fbl@inbox.example"}
    )
    for day in range(7):
        SentVolume.objects.get_or_create(
            tenant=tenant, day=(now - timedelta(days=day)).date(), defaults={"messages": 400}
        )
    for number, subject in enumerate(SUBJECTS):
        message_id = f"{number}.{now.timestamp():.0f}@{domain}"
        mark = trace.make(trace_key(), tenant.pk, message_id, now)
        _store(_report(number, subject, domain, message_id, mark))
    _store(_report(7, "Not from here", "elsewhere.example", "7@elsewhere.example", ""))
    _store(_report(8, "Nothing proves it", domain, f"8@{domain}", ""))
    _store(b"From: <pat@far.example>\nSubject: Hello\n\nWho reads these mails?\n")


def _store(raw: bytes) -> None:
    store(raw, purpose=Purpose.JUNK, channel=Channel.LMTP, mail_from="pat@far.example",
          recipient="junk@mail.example")  # fmt: skip


def _report(number: int, subject: str, domain: str, message_id: str, mark: str) -> bytes:
    reporter = f"reader{number}@{DOMAINS[number % len(DOMAINS)]}"
    source = "203.0.113.9" if number == 7 else "198.51.100.130"
    traced = f"CFBL-Feedback-ID: {mark}\n" if mark else ""
    date = f"{timezone.now() - timedelta(hours=number + 1):%a, %d %b %Y %H:%M:%S +0000}"
    return (
        f"From: <{reporter}>\nTo: <junk@mail.example>\nSubject: Report: {subject}\n"
        f"Message-ID: <report-{number}@{reporter.partition('@')[2]}>\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=feedback-report; boundary=cut\n\n"
        "--cut\nContent-Type: text/plain\n\nI never asked for this.\n"
        "--cut\nContent-Type: message/feedback-report\n\n"
        f"Feedback-Type: abuse\nUser-Agent: Demo/1\nVersion: 1\nSource-IP: {source}\n"
        f"Arrival-Date: {date}\n\n"
        "--cut\nContent-Type: message/rfc822\n\n"
        f"{traced}Received: from out.{domain} ([{source}]) by mx.far.example; {date}\n"
        f"From: News <news@{domain}>\nTo: <{reporter}>\nSubject: {subject}\n"
        f"Message-ID: <{message_id}>\nDate: {date}\n\n"
        f"Dear reader, only today: {subject.lower()}. Answer now.\n"
        "--cut--\n"
    ).encode()
