"""What reporters hear by mail, who gets copies, and who is never written to."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from abuse import jobs, loops
from abuse.kinds import Filed
from abuse.models import Loop, Report, Reporter, SigningKey
from customers.models import Tenant
from mailroom.models import Letter, Purpose
from ownership.fake_registry import FakeRegistry
from tests.abuse.factories import take
from tests.abuse.mails import Complaint, junk, record, signed
from tests.delisting.dns import Dns

pytestmark = pytest.mark.django_db
SIGNED_TO = ("from", "to", "subject", "date", "message-id")


@pytest.fixture(autouse=True)
def dns(settings: Any) -> Iterator[Dns]:
    """A name server that knows the keys of the reporter and of the clinic."""
    server = Dns()
    settings.POSTERN_DNS = [server.address]
    for name, key in (("k._domainkey.far.example", "k"), ("s1._domainkey.clinic.example", "s1")):
        text = record(key)
        cut = " ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200))
        server.records[name, "TXT"] = [cut]
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def registry(settings: Any) -> Iterator[FakeRegistry]:
    with FakeRegistry() as registry:
        settings.POSTERN_RDAP_BASE = registry.url
        yield registry


def report(n: int = 1, about: bytes = b"", **fields: Any) -> bytes:
    """A report that the domain of its reporter has signed."""
    raw = bytes(Complaint(about or signed(junk(n)), n, **fields))
    return signed(raw, "far.example", "k", SIGNED_TO)


def swept(*mails: bytes, **fields: Any) -> None:
    for mail in mails:
        take(mail, **fields)
    jobs.sweep_reports()
    jobs.sweep_answers()


def letters() -> list[Letter]:
    return list(Letter.objects.filter(kind="report-ack").order_by("pk"))


def test_a_reporter_is_thanked_once_a_day_with_a_link(clinic: Tenant) -> None:
    swept(report(1))
    swept(report(2))
    [letter] = letters()
    assert letter.recipient == "pat@far.example"
    assert letter.link_path == "/report/{token}/"
    assert "Clinic" not in letter.subject + letter.body


def test_the_key_of_a_tenant_is_learnt_from_the_dns_and_kept(clinic: Tenant, dns: Dns) -> None:
    swept(report(1))
    assert Report.objects.get().strength == "A1"
    assert SigningKey.objects.get().tenant == clinic
    dns.records.clear()
    swept(report(2, reporter="kim@far.example"))
    assert set(Report.objects.values_list("strength", flat=True)) == {"A1"}


def test_who_reports_what_is_not_ours_hears_whose_it_is(clinic: Tenant, settings: Any) -> None:
    settings.POSTERN_DEMO = True  # documentation addresses are looked up
    swept(report(1, junk(1, "elsewhere.example"), source="198.51.100.25"))
    found = Report.objects.get()
    assert found.filed == Filed.NOT_OURS
    assert found.holder
    [letter] = letters()
    assert found.holder in letter.body


@pytest.mark.parametrize(
    "extra",
    ["Auto-Submitted: auto-generated\r\n", "Precedence: bulk\r\n", "List-Id: <l.far.example>\r\n"],
)
def test_robots_and_lists_get_no_answer(clinic: Tenant, extra: str) -> None:
    swept(report(1, extra=extra))
    assert letters() == []


def test_the_null_path_and_other_peoples_paths_get_no_answer(clinic: Tenant) -> None:
    swept(report(1), mail_from="")
    swept(report(2), mail_from="eve@third.example")
    assert letters() == []


def test_who_only_writes_a_from_line_gets_no_answer(clinic: Tenant) -> None:
    swept(bytes(Complaint(signed(junk(1)), 1)))
    forged = report(2).replace(b"Subject: junk", b"Subject: other", 1)
    swept(forged)
    assert letters() == []


def test_a_mail_to_somebody_else_that_is_passed_on_to_us_is_not_answered(clinic: Tenant) -> None:
    raw = bytes(Complaint(signed(junk(1)), 1))
    raw = raw.replace(b"To: <junk@mail.example>", b"To: <kim@x.example>")
    swept(signed(raw, "far.example", "k", SIGNED_TO))
    assert letters() == []


def test_a_mailbox_that_an_answer_came_back_from_is_not_written_to_again(clinic: Tenant) -> None:
    swept(report(1))
    Letter.objects.update(bounced_at=timezone.now(), refused_at=timezone.now(), key="old")
    swept(report(2))
    assert len(letters()) == 1


def test_an_enrolled_reporter_is_known_by_its_signature_and_its_mailbox(clinic: Tenant) -> None:
    Reporter.objects.create(name="Far", domain="far.example", mailbox="fbl@far.example")
    swept(report(1, reporter="fbl@far.example"))
    swept(report(2, reporter="eve@far.example"))
    enrolled = Report.objects.order_by("pk").values_list("enrolled__name", flat=True)
    assert list(enrolled) == ["Far", None]


def test_copies_go_to_the_tenants_loop_without_the_reporter(clinic: Tenant) -> None:
    loops.subscribe(clinic, "clinic.example", "fbl@clinic.example")
    swept(report(1))
    copy = Letter.objects.get(kind="loop")
    assert copy.recipient == "fbl@clinic.example"
    assert "Feedback-Type: abuse" in copy.feedback
    assert b"far.example" not in bytes(copy.enclosed)


def test_robots_get_no_answer_about_what_is_not_ours_either(clinic: Tenant) -> None:
    about = junk(1, "elsewhere.example")
    extra = "List-Id: <l.far.example>\r\n"
    swept(report(1, about, source="198.51.100.25", extra=extra))
    assert Report.objects.get().filed == Filed.NOT_OURS
    assert letters() == []


def test_a_network_outside_gets_copies_of_reports_about_its_own_mail(clinic: Tenant) -> None:
    loop, _token = loops.ask("far.example", "fbl@far.example")
    prove(loop, "postmaster@far.example")
    theirs = signed(junk(1, "far.example"), "far.example", "k")
    swept(
        bytes(Complaint(theirs, 1, "kim@x.example")),
        bytes(Complaint(junk(2, "far.example"), 2, "lee@x.example")),  # only a claim
    )
    [copy] = Letter.objects.filter(kind="loop")
    assert copy.recipient == "fbl@far.example"
    assert b"Win a prize 1" in bytes(copy.enclosed)
    assert not Report.objects.filter(tenant__isnull=False).exists()


def test_a_name_server_that_never_answers_keeps_nobody_from_their_copies(
    clinic: Tenant, dns: Dns
) -> None:
    loops.subscribe(clinic, "clinic.example", "fbl@clinic.example")
    dns.broken.add("k._domainkey.far.example")
    swept(report(1))
    assert not Letter.objects.filter(kind="loop").exists()
    Report.objects.update(due_at=timezone.now(), attempts=3)
    jobs.sweep_answers()
    assert Letter.objects.filter(kind="loop").count() == 1
    assert letters() == []


def test_copies_are_not_made_of_claims(clinic: Tenant) -> None:
    loops.subscribe(clinic, "clinic.example", "fbl@clinic.example")
    swept(report(1, junk(1)))
    assert not Letter.objects.filter(kind="loop").exists()


def prove(loop: Loop, sender: str) -> None:
    mail = (
        f"From: <{sender}>\r\nTo: <fbl+{loop.challenge}@mail.example>\r\nSubject: proof\r\n"
        "Date: Thu, 26 Nov 2026 09:00:00 +0000\r\nMessage-ID: <p@far.example>\r\n\r\nHello.\r\n"
    ).encode()
    take(
        signed(mail, "far.example", "k", SIGNED_TO), purpose=Purpose.LOOP,
        recipient=f"fbl+{loop.challenge}@mail.example",
    )  # fmt: skip
    jobs.sweep_loops()
    loop.refresh_from_db()


def test_a_network_outside_shows_its_domain_by_a_mail_of_its_postmaster(clinic: Tenant) -> None:
    loop, _token = loops.ask("far.example", "fbl@far.example")
    prove(loop, "eve@far.example")
    assert loop.proved_at is None
    prove(loop, "postmaster@far.example")
    assert loop.proved_at is not None
    assert Letter.objects.filter(kind="loop-proved").count() == 1


def test_an_empty_proof_stands_in_unread_with_its_reason() -> None:
    loop, _token = loops.ask("far.example", "fbl@far.example")
    mail = take(b" ", purpose=Purpose.LOOP, recipient=f"fbl+{loop.challenge}@mail.example")
    jobs.sweep_loops()
    mail.refresh_from_db()
    assert (mail.unread, mail.due_at) == ("empty", None)


# -- What was found by trying to cheat -------------------------------------------------


def test_nobody_takes_his_messages_out_of_the_count_by_reporting_them_himself(
    clinic: Tenant,
) -> None:
    abouts = [signed(junk(n)) for n in range(4)]
    swept(*[bytes(Complaint(about, n, "eve@x.example")) for n, about in enumerate(abouts)])
    swept(*[bytes(Complaint(about, 9 + n, f"p{n}@x.example")) for n, about in enumerate(abouts)])
    filed = list(Report.objects.order_by("pk").values_list("filed", flat=True))
    assert filed[:4] == [Filed.COUNTED, *[Filed.SAME_REPORTER] * 3]
    assert filed[4:] == [Filed.DUPLICATE, *[Filed.COUNTED] * 3]


def test_another_spelling_of_a_signature_is_no_other_message(clinic: Tenant) -> None:
    about = signed(junk(1))
    end = about.index(b"==\r\n")
    others = [about[: end - 1] + bytes([sign]) + about[end:] for sign in b"ABCDEFGHQRSTUVWXgw"]
    swept(*[bytes(Complaint(one, n, f"p{n}@x.example")) for n, one in enumerate([about, *others])])
    assert Report.objects.filter(filed=Filed.COUNTED, strength="A1").count() == 1


def test_a_selector_of_any_length_stops_nothing(clinic: Tenant, dns: Dns) -> None:
    selector = ".".join(["a" * 60] * 3)
    dns.records[f"{selector}._domainkey.clinic.example", "TXT"] = ['"v=DKIM1; p=AAAA"']
    swept(report(1), report(2, signed(junk(2), selector=selector), reporter="kim@far.example"))
    assert Report.objects.count() == 2
