"""What people try to be somebody else, to be counted twice, or to keep others from being heard."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from django.utils import timezone

from abuse import jobs, loops
from abuse.kinds import Filed
from abuse.models import AddressRange, Incident, Report, Reporter, SigningKey
from abuse.readings import MOST_NEW
from abuse.trace import make
from abuse.tracing import trace_key
from customers.models import Tenant
from mailroom.addresses import author
from mailroom.diagnosis import OUT_OF_TIME
from mailroom.models import Channel, Letter, Purpose, Received
from tests.abuse.factories import make_report, take
from tests.abuse.mails import Complaint, junk, record, signed
from tests.abuse.test_answers import (  # noqa: F401  (fixtures)
    SIGNED_TO,
    dns,
    letters,
    registry,
    swept,
)
from tests.abuse.test_counting import filed
from tests.delisting.dns import Dns

pytestmark = pytest.mark.django_db
HOP = "Received: from x (x [192.0.2.10]) by mx.far.example; Thu, 26 Nov 2026 09:00:00 +0000\r\n"


# -- Who writes ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("pat@far.example", "pat@far.example"),
        ("<Pat@Far.example>", "pat@far.example"),
        ("Pat <pat@far.example>", "pat@far.example"),
        ('"Pat, of Far" <pat@far.example> (at work)', "pat@far.example"),
        ('"<fbl@far.example>" <eve@far.example>', "eve@far.example"),
        ("(<fbl@far.example>) eve@far.example", "eve@far.example"),
        ('(a (b) ") <fbl@far.example> (") eve@far.example', "eve@far.example"),
        ("=?utf-8?q?=3Cfbl=40far.example=3E?= <eve@far.example>", "eve@far.example"),
        ("fbl@far.example <eve@far.example>", "eve@far.example"),
        ('"\\"" <eve@far.example>', "eve@far.example"),
        ('"<fbl@far.example>"@elsewhere.example', ""),
        ("<fbl@far.example> <eve@far.example>", ""),
        ("fbl@far.example, eve@far.example", ""),
        ("<fbl@far.example>, eve@far.example", ""),
        ('"<fbl@far.example> eve@far.example', ""),
        ("undisclosed:;", ""),
        ("group: fbl@far.example;", ""),
        ("Pat", ""),
        ("", ""),
        ("(" * 2000, ""),
        ("<a\u202eb@far.example>", ""),
        ("<a\x01b@far.example>", ""),
        ("<a@\u200bfar.example>", ""),
    ],
)
def test_the_author_is_the_one_address_that_is_no_name_and_no_remark(
    field: str, address: str
) -> None:
    assert author(field) == address


@pytest.mark.parametrize(
    "field",
    [
        '"<fbl@far.example>" <eve@far.example>',
        "=?utf-8?q?=3Cfbl=40far.example=3E?= <eve@x.example>",
    ],
)
def test_nobody_is_an_enrolled_network_by_a_display_name(clinic: Tenant, field: str) -> None:
    Reporter.objects.create(name="Far", domain="far.example", mailbox="fbl@far.example")
    long_ago = timezone.now() - timedelta(days=900)
    AddressRange.objects.create(tenant=clinic, prefix="192.0.2.0/28", valid_from=long_ago)
    raw = bytes(Complaint(junk(extra=HOP))).replace(b"<pat@far.example>", field.encode(), 1)
    swept(signed(raw, "far.example", "k", SIGNED_TO))
    report = Report.objects.get()
    assert (report.strength, report.enrolled) == ("D", None)


def test_no_answer_goes_to_a_display_name(clinic: Tenant) -> None:
    raw = bytes(Complaint(signed(junk())))
    raw = raw.replace(b"<pat@far.example>", b'"<victim@far.example>" <eve@far.example>', 1)
    swept(signed(raw, "far.example", "k", SIGNED_TO), mail_from="eve@far.example")
    assert [letter.recipient for letter in letters()] == ["eve@far.example"]


@pytest.mark.parametrize("added", ["Cc: junk@mail.example\r\n", "To: junk@mail.example\r\n"])
def test_who_it_is_written_to_is_what_was_signed(clinic: Tenant, added: str) -> None:
    raw = bytes(Complaint(signed(junk()))).replace(b"<junk@mail.example>", b"<eve@x.example>", 1)
    swept(added.encode() + signed(raw, "far.example", "k", SIGNED_TO))
    assert Report.objects.get().strength == "A1"
    assert letters() == []


@pytest.mark.parametrize("to", ["<eve@far.example>", "<junk@mail.example>"])
def test_a_mail_of_the_postmaster_to_somebody_else_proves_no_loop(clinic: Tenant, to: str) -> None:
    loop, _token = loops.ask("far.example", "eve@far.example")
    box = f"fbl+{loop.challenge}@mail.example"
    mail = (
        f"From: <postmaster@far.example>\r\nTo: {to}\r\nSubject: Re: hello\r\n"
        "Date: Thu, 26 Nov 2026 09:00:00 +0000\r\nMessage-ID: <p@far.example>\r\n\r\nHello Eve\r\n"
    ).encode()
    raw = f"Cc: {box}\r\n".encode() + signed(mail, "far.example", "k", SIGNED_TO)
    take(raw, purpose=Purpose.LOOP, recipient=box)
    jobs.sweep_loops()
    loop.refresh_from_db()
    assert loop.proved_at is None


def test_a_mailbox_is_one_reporter_however_it_is_spelt(clinic: Tenant) -> None:
    names = ("pat@münchen.example", "pat+a@MÜNCHEN.example", "pat@xn--mnchen-3ya.example")
    swept(
        *[
            bytes(Complaint(signed(junk(n)), n)).replace(b"pat@far.example", name.encode(), 1)
            for n, name in enumerate(names)
        ]
    )
    assert Report.objects.values("reporter").distinct().count() == 1


def test_an_answer_that_came_back_ends_them_for_every_spelling(clinic: Tenant) -> None:
    def report(n: int, reporter: str) -> bytes:
        raw = bytes(Complaint(signed(junk(n)), n, reporter))
        return signed(raw, "far.example", "k", SIGNED_TO)

    swept(report(1, "pat@far.example"))
    yesterday = timezone.now() - timedelta(days=1)
    [letter] = letters()
    key = letter.key.rpartition(":")[0] + f":{yesterday.date()}"
    Letter.objects.filter(pk=letter.pk).update(key=key, bounced_at=yesterday)
    swept(report(2, "pat+x@far.example"))
    assert len(letters()) == 1


# -- What is counted -------------------------------------------------------------------


@pytest.mark.parametrize("header", [b"", b"Message-ID: <x@clinic.example>\r\n"])
def test_a_tenant_that_names_all_its_mails_the_same_is_counted_for_each(
    clinic: Tenant, header: bytes
) -> None:
    def message(n: int) -> bytes:
        named = f"Message-ID: <junk-{n}@clinic.example>\r\n".encode()
        return signed(junk(n).replace(named, header))

    swept(*[bytes(Complaint(message(n), n, f"v{n}@y{n}.example")) for n in range(1, 6)])
    assert set(Report.objects.values_list("filed", "strength")) == {(Filed.COUNTED, "A1")}


def test_who_reports_his_own_message_as_something_else_hides_it_from_nobody(
    clinic: Tenant,
) -> None:
    about = signed(junk())
    swept(bytes(Complaint(about, 1, "eve@x.example", kind="other")))
    swept(bytes(Complaint(about, 2, "kim@y.example")))
    assert Incident.objects.get(feedback_class="abuse").anonymous == 1


def test_a_mark_comes_second_to_the_signature_over_the_same_message(clinic: Tenant) -> None:
    mark = make(trace_key(), clinic.pk, "junk-1@clinic.example", timezone.now())
    about = junk(extra=f"CFBL-Feedback-ID: {mark}\r\n")
    swept(bytes(Complaint(signed(about), 1)))
    swept(bytes(Complaint(about, 2, "kim@y.example")))
    reports = list(Report.objects.order_by("pk"))
    assert [row.strength for row in reports] == ["A1", "B"]
    assert filed(reports) == [Filed.COUNTED, Filed.DUPLICATE]


def test_a_signature_of_somebody_else_makes_no_other_message_of_a_marked_one(
    clinic: Tenant,
) -> None:
    loop, _token = loops.ask("far.example", "fbl@far.example")
    loop.proved_at = timezone.now()
    loop.save()  # so that the key of that domain is asked for
    mark = make(trace_key(), clinic.pk, "junk-1@clinic.example", timezone.now())
    marked = junk(extra=f"CFBL-Feedback-ID: {mark}\r\n")
    abouts = [
        signed(f"X-N: {n}\r\n".encode() + marked, "far.example", "k", ("from", "subject", "x-n"))
        for n in range(3)
    ]
    swept(*[bytes(Complaint(about, n, f"p{n}@x.example")) for n, about in enumerate(abouts)])
    reports = list(Report.objects.order_by("pk"))
    assert {row.strength for row in reports} == {"B"}
    assert [row.facts["verified"][0][0] for row in reports] == ["far.example"] * 3
    assert filed(reports) == [Filed.COUNTED, Filed.DUPLICATE, Filed.DUPLICATE]


def test_an_uploaded_mail_with_our_mark_is_the_junk_whatever_it_holds(school: Tenant) -> None:
    mark = make(trace_key(), school.pk, "junk-1@clinic.example", timezone.now())
    head, _gap, _body = junk(extra=f"CFBL-Feedback-ID: {mark}\r\n").partition(b"\r\n\r\n")
    mail = (
        head
        + b"\r\nContent-Type: multipart/report; boundary=zz\r\n\r\n--zz\r\n\r\nBuy!\r\n--zz\r\n"
        b"Content-Type: message/feedback-report\r\n\r\nFeedback-Type: not-spam\r\nVersion: 1\r\n"
        b"\r\n--zz--\r\n"
    )
    swept(HOP.encode() + mail, channel=Channel.WEB, who="a network")
    report = Report.objects.get()
    assert (report.filed, report.strength, report.tenant) == (Filed.COUNTED, "B", school)


@pytest.mark.parametrize(
    "part",
    [
        b'Content-Type: application/json\r\n\r\n{"xarf_version": "4", "category": "connection"}',
        b"Content-Type: message/feedback-report\r\n\r\nFeedback-Type: not-spam\r\nVersion: 1",
        b"Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1",
    ],
)
def test_junk_that_carries_a_report_is_uploaded_as_what_it_is(clinic: Tenant, part: bytes) -> None:
    head, _gap, _body = junk().partition(b"\r\n\r\n")
    mail = (
        head + b"\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=zz\r\n\r\n"
        b"--zz\r\nContent-Type: text/plain\r\n\r\nBuy!\r\n--zz\r\n" + part + b"\r\n--zz--\r\n"
    )
    swept(HOP.encode() + signed(mail), channel=Channel.WEB, who="a network")
    report = Report.objects.get()
    assert (report.filed, report.strength, report.tenant) == (Filed.COUNTED, "A1", clinic)


def test_copies_of_what_is_not_counted_are_one_for_a_message(clinic: Tenant) -> None:
    loop, _token = loops.ask("far.example", "fbl@far.example")
    loop.proved_at = timezone.now()
    loop.save()
    about = signed(junk(domain="far.example"), "far.example", "k")
    swept(*[bytes(Complaint(about, n, f"p{n}@x.example")) for n in range(3)])
    assert set(Report.objects.values_list("filed", flat=True)) == {Filed.NOT_OURS}
    assert Letter.objects.filter(kind="loop").count() == 1


# -- Who stops others --------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["+2359", "-2359", "+1600", "-9999"])
def test_a_date_of_no_time_zone_stops_no_other_mail(clinic: Tenant, zone: str) -> None:
    dated = f"09:00:00 {zone}".encode()
    raw = bytes(Complaint(signed(junk(1)), 1)).replace(
        b"Arrival-Date: Thu, 26 Nov 2026 09:00:00 +0000",
        b"Arrival-Date: Thu, 26 Nov 2026 " + dated,
    )
    swept(raw, bytes(Complaint(signed(junk(2)), 2, "kim@y.example")))
    assert filed(list(Report.objects.all())) == [Filed.COUNTED, Filed.COUNTED]


def test_a_mark_of_a_tenant_that_never_was_stops_no_other_mail(clinic: Tenant) -> None:
    mark = make(trace_key(), 999_999, "junk-1@elsewhere.example", timezone.now())
    ghost = junk(1, "elsewhere.example", extra=f"CFBL-Feedback-ID: {mark}\r\n")
    swept(bytes(Complaint(ghost)), bytes(Complaint(signed(junk(2)), 2, "kim@y.example")))
    assert filed(list(Report.objects.order_by("pk"))) == [Filed.NO_TENANT, Filed.COUNTED]


def test_a_mail_that_cannot_be_filed_stops_no_other(clinic: Tenant) -> None:
    rows = [take(Complaint(signed(junk(n)), n, f"p{n}@x.example")) for n in range(3)]
    make_report(received=rows[1])  # the table takes no second one
    jobs.sweep_reports()
    assert Report.objects.filter(received__in=[rows[0], rows[2]]).count() == 2
    rows[1].refresh_from_db()
    assert rows[1].due_at is not None


def test_while_the_database_fails_no_mail_is_tried_alone_and_none_is_lost(clinic: Tenant) -> None:
    rows = [take(Complaint(signed(junk(n)), n, f"p{n}@x.example")) for n in range(3)]
    tried = []

    def fail(execute: Any, sql: str, *rest: Any) -> Any:
        if "abuse_report" in sql and sql.startswith("INSERT"):
            tried.append(sql)
            raise OperationalError("the server went away")
        return execute(sql, *rest)

    with connection.execute_wrapper(fail):
        jobs.sweep_reports()
    assert len(tried) == 1
    assert not Report.objects.exists()
    assert Received.objects.filter(due_at__isnull=False, attempts=1).count() == len(rows)


def test_mails_that_take_for_ever_keep_no_other_from_being_read(
    clinic: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("abuse.readings.ANSWER", "tests.abuse.children:answer")
    monkeypatch.setattr("abuse.jobs.READING", 5.0)
    for n in range(3):
        take(f"X-For-Ever: {n}\r\n\r\n".encode())
    good = take(Complaint(signed(junk())))
    for _ in range(4):
        jobs.sweep_reports()
    assert Report.objects.get().received == good
    assert (
        list(Received.objects.exclude(pk=good.pk).values_list("unread", flat=True))
        == [OUT_OF_TIME] * 3
    )


def test_a_tenant_cannot_pile_up_keys_under_one_selector(
    clinic: Tenant,
    dns: Dns,  # noqa: F811
) -> None:
    for n in range(8):
        dns.records["s1._domainkey.clinic.example", "TXT"] = [
            " ".join(f'"{record(f"n{n}")[at : at + 200]}"' for at in range(0, 420, 200))
        ]
        cache.clear()  # an hour later
        swept(bytes(Complaint(signed(junk(n), selector="s1"), n, f"p{n}@x.example")))
    kept = SigningKey.objects.filter(selector="s1").values_list("record", flat=True)
    assert set(kept) == {record(f"n{n}") for n in range(3, 8)}
    dns.records["s1._domainkey.clinic.example", "TXT"] = ['"v=DKIM1; k=rsa; p=AAAA"']
    cache.clear()
    swept(bytes(Complaint(signed(junk(9)), 9, "p9@x.example")))
    assert SigningKey.objects.filter(selector="s1").count() == 5


def test_invented_selectors_are_not_all_asked_for(clinic: Tenant, dns: Dns) -> None:  # noqa: F811
    about = junk()
    for n in range(6):
        about = signed(about, selector=f"invented{n}")
    swept(bytes(Complaint(about)))
    asked = [name for name, _kind in dns.asked if name.endswith("_domainkey.clinic.example")]
    assert len(asked) == MOST_NEW
    assert Report.objects.get().why[0] == "no-key"
