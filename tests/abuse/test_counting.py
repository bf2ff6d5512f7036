"""Reports through the sweep: read in the limited child, tied to a tenant, counted fairly."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from abuse import jobs
from abuse.kinds import Filed
from abuse.models import AddressRange, Incident, Report, SigningKey, Voice
from abuse.trace import make
from abuse.tracing import trace_key
from customers.models import Tenant
from mailroom.models import Channel, Purpose, Received
from tests.abuse.factories import take
from tests.abuse.mails import Complaint, junk, record, signed

pytestmark = pytest.mark.django_db


@pytest.fixture
def key(clinic: Tenant) -> SigningKey:
    """The key of the clinic, which signs its mail."""
    return SigningKey.objects.create(
        tenant=clinic, domain="clinic.example", selector="s1", record=record(),
        valid_from=timezone.now() - timedelta(days=400),
    )  # fmt: skip


def swept(*mails: object, **fields: Any) -> list[Report]:
    """The reports that came of ``mails``, in their order; each is taken before the sweep."""
    rows = [take(mail, **fields) for mail in mails]
    jobs.sweep_reports()
    found = {report.received_id: report for report in Report.objects.all()}
    return [found[row.pk] for row in rows]


def filed(reports: list[Report]) -> list[str]:
    return [report.filed for report in reports]


def counts(tenant: Tenant) -> tuple[int, int, int]:
    incident = Incident.objects.get(tenant=tenant)
    return incident.enrolled, incident.anonymous, incident.claims


def test_a_signed_message_counts_on_its_tenant(clinic: Tenant, key: SigningKey) -> None:
    [report] = swept(Complaint(signed(junk())))
    assert (report.filed, report.strength, report.tenant) == (Filed.COUNTED, "A1", clinic)
    assert report.why == ["dkim"]
    assert (report.subject, report.message_id) == ("Win a prize 1", "junk-1@clinic.example")
    assert counts(clinic) == (0, 1, 0)
    assert Voice.objects.get().is_proved


def test_the_headers_alone_prove_it_as_well(clinic: Tenant, key: SigningKey) -> None:
    [report] = swept(Complaint(signed(junk()), headers_only=True))
    assert (report.strength, report.why) == ("A2", ["dkim-headers"])


def test_a_signature_that_was_tampered_with_proves_nothing(clinic: Tenant, key: SigningKey) -> None:
    forged = signed(junk()).replace(b"Win a prize", b"Win a house")
    [report] = swept(Complaint(forged))
    assert (report.strength, report.filed) == ("D", Filed.COUNTED)
    assert counts(clinic) == (0, 0, 1)


def test_our_own_mark_tells_the_tenant(school: Tenant) -> None:
    mark = make(trace_key(), school.pk, "junk-1@elsewhere.example", timezone.now())
    message = junk(domain="elsewhere.example", extra=f"CFBL-Feedback-ID: {mark}\r\n")
    [report] = swept(Complaint(message, headers_only=True))
    assert (report.strength, report.tenant) == ("B", school)


def test_the_same_report_again_is_counted_once(clinic: Tenant, key: SigningKey) -> None:
    about = signed(junk())
    first, again, other = swept(
        Complaint(about), Complaint(about, extra="X-Again: yes\r\n"),
        Complaint(about, number=2, reporter="kim@far.example"),
    )  # fmt: skip
    assert filed([first, again, other]) == [Filed.COUNTED, Filed.DUPLICATE, Filed.DUPLICATE]
    assert counts(clinic) == (0, 1, 0)


def test_one_reporter_weighs_one_a_day_and_others_weigh_too(
    clinic: Tenant, key: SigningKey
) -> None:
    mails = [Complaint(signed(junk(n)), n, "pat+list@far.example") for n in range(3)]
    others = [Complaint(signed(junk(n)), n, f"kim{n}@far.example") for n in range(3, 6)]
    reports = swept(*mails, *others)
    assert filed(reports) == [Filed.COUNTED, *[Filed.SAME_REPORTER] * 2, *[Filed.COUNTED] * 3]
    assert counts(clinic) == (0, 4, 0)


def test_on_the_next_day_a_reporter_is_heard_again(clinic: Tenant, key: SigningKey) -> None:
    swept(Complaint(signed(junk(1)), 1))
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        swept(Complaint(signed(junk(2)), 2))
    assert counts(clinic) == (0, 2, 0)


def test_a_hundred_names_for_one_message_are_one_voice(clinic: Tenant, key: SigningKey) -> None:
    about = signed(junk())
    swept(*[Complaint(about, n, f"made-up-{n}@x{n}.example") for n in range(100)])
    assert counts(clinic) == (0, 1, 0)


def test_a_false_report_that_comes_first_does_not_keep_the_true_one_out(
    clinic: Tenant, key: SigningKey
) -> None:
    true = signed(junk())
    false, proved = swept(
        Complaint(true.replace(b"bh=", b"bh=AAAA"), 1, "evil@x.example"), Complaint(true, 2)
    )
    assert (false.strength, proved.strength) == ("D", "A1")
    assert proved.filed == Filed.COUNTED
    assert counts(clinic) == (0, 1, 1)


def test_a_claim_becomes_proved_when_the_same_reporter_proves_it(
    clinic: Tenant, key: SigningKey
) -> None:
    swept(Complaint(junk(1), 1, source=""))
    assert counts(clinic) == (0, 0, 1)
    swept(Complaint(signed(junk(2)), 2))
    assert counts(clinic) == (0, 1, 0)
    assert Voice.objects.get().is_proved


def test_what_proves_a_claim_is_counted_in_the_class_of_the_proof(
    clinic: Tenant, key: SigningKey
) -> None:
    swept(Complaint(junk(1), 1, source=""))
    swept(Complaint(signed(junk(2)), 2, kind="fraud"))
    abuse = Incident.objects.get(feedback_class="abuse")
    fraud = Incident.objects.get(feedback_class="fraud")
    assert (abuse.anonymous, abuse.claims, fraud.anonymous) == (0, 0, 1)


def test_claims_do_not_keep_an_incident_from_ending(clinic: Tenant, key: SigningKey) -> None:
    swept(Complaint(signed(junk(1)), 1))
    before = Incident.objects.get().last_report_at
    swept(Complaint(junk(2), 2, "kim@far.example", source=""))
    assert Incident.objects.get().last_report_at == before


def test_a_retired_key_proves_nothing_though_another_of_its_selector_is_in_use(
    clinic: Tenant, key: SigningKey
) -> None:
    SigningKey.objects.filter(pk=key.pk).update(
        valid_until=timezone.now() - timedelta(days=200)
    )  # fmt: skip
    SigningKey.objects.create(
        tenant=clinic, domain="clinic.example", selector="s1", record=record("s2")
    )
    [report] = swept(Complaint(signed(junk())))
    assert (report.strength, report.why) == ("D", ["not-signed", "says-domain"])


def test_a_made_up_signature_on_top_makes_no_other_message_of_it(
    clinic: Tenant, key: SigningKey
) -> None:
    about = signed(junk())
    mails = [
        Complaint(f"DKIM-Signature: d=x.example; s=1; b=AA{n}\r\n".encode() + about, n,
                  f"made-up-{n}@x.example")
        for n in range(5)
    ]  # fmt: skip
    swept(*mails)
    assert counts(clinic) == (0, 1, 0)


def test_a_message_without_its_signature_is_still_the_message_that_our_mark_names(
    clinic: Tenant, key: SigningKey
) -> None:
    mark = make(trace_key(), clinic.pk, "junk-1@clinic.example", timezone.now())
    message = junk(extra=f"CFBL-Feedback-ID: {mark}\r\n")
    whole, stripped = swept(Complaint(signed(message), 1), Complaint(message, 2, "kim@far.example"))
    assert (whole.strength, stripped.strength) == ("A1", "B")
    assert filed([whole, stripped]) == [Filed.COUNTED, Filed.DUPLICATE]


def test_a_key_that_could_not_be_asked_for_is_asked_for_again(
    clinic: Tenant, settings: Any
) -> None:
    settings.POSTERN_DNS = ["127.0.0.1:9"]  # nobody answers there
    mail = take(Complaint(signed(junk())))
    jobs.sweep_reports()
    mail.refresh_from_db()
    assert not Report.objects.exists()
    assert mail.due_at is not None
    assert mail.due_at > timezone.now()
    for _again in range(3):
        Received.objects.filter(pk=mail.pk).update(due_at=timezone.now())
        jobs.sweep_reports()
    assert Report.objects.get().strength == "D"


def test_what_is_not_ours_is_filed_as_such(clinic: Tenant) -> None:
    [report] = swept(Complaint(junk(domain="elsewhere.example"), source="203.0.113.9"))
    assert (report.filed, report.strength, report.tenant) == (Filed.NOT_OURS, "N", None)
    assert not Incident.objects.exists()


def test_a_shared_address_of_ours_names_no_tenant(clinic: Tenant) -> None:
    AddressRange.objects.create(
        prefix="192.0.2.0/24", valid_from=timezone.now() - timedelta(days=400)
    )
    [report] = swept(Complaint(junk(domain="elsewhere.example")))
    assert (report.filed, report.strength) == (Filed.NO_TENANT, "D")


def test_other_mail_is_filed_and_never_counted(clinic: Tenant, key: SigningKey) -> None:
    plain = b"From: <pat@far.example>\r\nSubject: hello\r\n\r\nYour clinic is nice.\r\n"
    vacation = (
        b"From: <pat@far.example>\r\nAuto-Submitted: auto-replied\r\nSubject: away\r\n\r\nAway.\r\n"
    )
    leave = b"From: <pat@far.example>\r\nSubject: unsubscribe\r\n\r\nunsubscribe\r\n"
    reports = swept(plain, vacation, leave, Complaint(signed(junk()), kind="opt-out"))
    assert filed(reports) == [
        Filed.PLAIN, Filed.AUTO_REPLY, Filed.UNSUBSCRIBE, Filed.UNSUBSCRIBE,
    ]  # fmt: skip
    assert reports[3].tenant == clinic
    assert not Incident.objects.exists()


def test_what_was_wrongly_filtered_makes_no_incident(clinic: Tenant, key: SigningKey) -> None:
    [report] = swept(Complaint(signed(junk())), purpose=Purpose.NOT_JUNK)
    assert (report.filed, report.feedback_class) == (Filed.NOT_JUNK, "not_spam")
    assert not Incident.objects.exists()


def test_what_cannot_be_read_stands_in_unread_and_stops_nothing(
    clinic: Tenant, key: SigningKey
) -> None:
    bomb = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(1000)
    )
    kept, good = take(bomb), take(Complaint(signed(junk())))
    jobs.sweep_reports()
    kept.refresh_from_db()
    assert kept.unread == "too-many-parts"
    assert (kept.due_at, kept.parked_at) == (None, None)
    assert Report.objects.get().received == good


def test_an_uploaded_message_is_the_junk_itself(clinic: Tenant, key: SigningKey) -> None:
    whole = b"Received: from a by b; Thu, 26 Nov 2026 09:00:00 +0000\r\n" + signed(junk())
    [report] = swept(whole, channel=Channel.WEB, who="network")
    assert (report.filed, report.strength, report.tenant) == (Filed.COUNTED, "A1", clinic)
    assert report.due_at is None


def test_a_batch_takes_the_same_number_of_queries_for_one_and_for_thirty(
    clinic: Tenant, key: SigningKey
) -> None:
    take(Complaint(signed(junk(0)), 0))
    with CaptureQueriesContext(connection) as for_one:
        jobs.sweep_reports()
    for n in range(1, 31):
        take(Complaint(signed(junk(n)), n, f"kim{n}@far.example"))
    with CaptureQueriesContext(connection) as for_thirty:
        jobs.sweep_reports()
    assert len(for_thirty) <= len(for_one)
    assert counts(clinic) == (0, 31, 0)
    assert not Received.objects.filter(due_at__isnull=False, purpose=Purpose.JUNK).exists()
