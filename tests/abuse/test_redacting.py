"""What a copy leaves out: whatever a message, or the report, says of who got it and where."""

from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from abuse import arf, copies, housekeeping
from abuse.arf import MOST_HIDDEN
from abuse.models import Report, SigningKey
from customers.models import Tenant, User
from tests.abuse.factories import make_report
from tests.abuse.mails import Complaint, signed
from tests.abuse.test_counting import key, swept

__all__ = ["key"]  # a fixture
pytestmark = pytest.mark.django_db
DATE = "Thu, 26 Nov 2026 18:00:00 +0900"
INLINE = {"inline": True}

Read = Callable[[Report], str]


@pytest.fixture
def read(client: Client, dana: User) -> Read:
    """All that the tenant is given of a report: page, API and copy, in small letters."""

    def texts(report: Report) -> str:
        client.force_login(dana)
        page = client.get(f"/junk/reports/{report.pk}/", headers={"accept-language": "en"})
        said = client.get(f"/api/v1/reports/{report.pk}/")
        assert (page.status_code, said.status_code) == (200, 200)
        copy = message_from_bytes(copies.eml(report), policy=policy.default)
        parts = [part.as_string() for part in copy.walk() if not part.is_multipart()]
        parts += [str(part.get_content()) for part in copy.walk() if not part.is_multipart()]
        return "\n".join([page.content.decode(), str(said.json()), *parts]).lower()

    return texts


def report_of(
    tenant: Tenant, body: str = "Hello\n", head: str = "To: patricia@far.example\n", **fields: Any
) -> Report:
    """A report about a message with this body, and this above the fields of its sender."""
    evidence = f"{head}From: News <news@clinic.example>\nSubject: Win a prize\n\n{body}"
    return make_report(tenant, **{"evidence": evidence, "reporter_email": "", **fields})


# -- The way ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "client_said",
    ["by (unknown [192.0.2.10])", "x (by y [192.0.2.10])", "x (y [192.0.2.10]) (by z)"],
)
def test_of_the_line_of_the_reporters_server_only_the_address_and_the_date_are_passed_on(
    clinic: Tenant, read: Read, client_said: str
) -> None:
    line = f"Received: from {client_said} by mx4.inbox.example (Postfix) with ESMTP id 1; {DATE}\n"
    report = report_of(clinic, head=line)

    assert arf.redacted(report).startswith(
        "Received: from [192.0.2.10] by redacted; Thu, 26 Nov 2026 09:00:00 +0000\n"
    )
    assert "inbox" not in read(report)


@pytest.mark.parametrize("date", ["", "; no date", "; Fri, 31 Dec 9999 23:00:00 -1200"])
def test_a_date_that_is_none_is_left_out(clinic: Tenant, date: str) -> None:
    line = f"Received: from x ([IPv6:2001:db8::10]) by mx4.inbox.example{date}\n"
    report = report_of(clinic, head=line, source_address="2001:db8::10")
    assert arf.redacted(report).startswith("Received: from [IPv6:2001:db8::10] by redacted\nFrom: ")


def test_the_mailbox_that_a_server_noted_is_found_behind_a_client_that_is_named_for(
    clinic: Tenant, read: Read
) -> None:
    line = (
        "Received: from for (for [192.0.2.10]) by mx4.inbox.example\n"
        f" for <patricia@far.example>; {DATE}\n"
    )
    assert "patricia" not in read(report_of(clinic, "Dear patricia@far.example\n", head=line))


# -- The Message-ID ---------------------------------------------------------------------


@pytest.mark.parametrize("host", ["mx4.far.example", "far.example", "store.inbox.example"])
def test_a_message_id_that_the_reporters_server_gave_is_shown_nowhere(
    clinic: Tenant, read: Read, host: str
) -> None:
    head = (
        f"Received: from x ([192.0.2.10]) by mx4.inbox.example; {DATE}\n"
        f"To: patricia@far.example\nMessage-ID: <20261126.ab@{host}>\n"
    )
    report = report_of(clinic, head=head, message_id=f"20261126.ab@{host}")

    text = read(report)
    assert "20261126.ab" not in text
    assert host not in text
    assert arf.message_id(report) == "redacted"


@pytest.mark.parametrize("host", ["clinic.example", "out.clinic.example", "mail.elsewhere.example"])
def test_a_message_id_of_the_sender_is_shown(clinic: Tenant, read: Read, host: str) -> None:
    head = f"To: patricia@far.example\nMessage-ID: <junk-1@{host}>\n"
    report = report_of(clinic, head=head, message_id=f"junk-1@{host}")
    assert arf.message_id(report) == f"junk-1@{host}"
    assert read(report).count(f"junk-1@{host}") >= 4


def test_remarks_beside_a_message_id_are_left_out(clinic: Tenant, read: Read) -> None:
    head = "Message-ID: <one@clinic.example> (added by postmaster@mx4.inbox.example)\n"
    text = read(report_of(clinic, head=head))
    assert "message-id: <one@clinic.example>\n" in text
    assert "inbox" not in text


def test_without_a_sender_no_server_is_taken_for_the_senders(clinic: Tenant) -> None:
    given = report_of(clinic, from_domain="", message_id="20261126.ab@mx4.far.example")
    assert arf.message_id(given) == "redacted"


@pytest.mark.parametrize("facts", [{}, {"inline": False}])
def test_of_no_message_id_nothing_is_said(clinic: Tenant, facts: dict[str, Any]) -> None:
    assert arf.message_id(report_of(clinic, message_id="", facts=facts)) == ""


def test_of_a_message_that_is_forgotten_only_the_senders_own_message_id_is_shown(
    clinic: Tenant,
) -> None:
    old: dict[str, Any] = {"evidence": "", "facts": {}, "reporter_email": ""}
    assert arf.message_id(make_report(clinic, **old)) == "one@clinic.example"
    server = make_report(clinic, message_id="20261126.ab@mx4.far.example", **old)
    assert arf.message_id(server) == "redacted"


# -- Words of the reporter --------------------------------------------------------------


def test_of_a_message_in_the_words_of_a_report_only_the_headers_are_passed_on(
    clinic: Tenant, key: SigningKey, read: Read
) -> None:
    [report] = swept(
        b"From: Patricia Zellweger <patricia@far.example>\r\nTo: junk@mail.example\r\n"
        b"Subject: Fwd: x\r\nMessage-ID: <q@far.example>\r\n\r\n"
        b"---------- Forwarded message ---------\r\nFrom: News <news@clinic.example>\r\n"
        b"Subject: Win a prize\r\nTo: <patricia@far.example>\r\n\r\nBuy!\r\n\r\n-- \r\n"
        b"Dr Patricia Zellweger, Far Hospital, +49 30 123456\r\n"
    )
    text = read(report)
    assert "win a prize" in text
    assert "news@clinic.example" in text
    for word in ("zellweger", "far hospital", "123456", "buy!"):
        assert word not in text, word


def test_words_that_stand_below_a_copied_header_without_a_gap_are_not_taken_for_it(
    clinic: Tenant, read: Read
) -> None:
    head = (
        f"Received: from x ([192.0.2.10]) by mx4.inbox.example; {DATE}\n"
        "Received: from desk by out.clinic.example\n Dr Zellweger\n"
        "Message-ID: <one@clinic.example>\n Dr Zellweger, Far Hospital\n"
    )
    text = read(report_of(clinic, head=head, facts=INLINE))
    assert "from desk by out.clinic.example" in text
    assert "zellweger" not in text


def test_nor_are_they_taken_for_a_subject_or_a_message_id_that_was_copied(
    clinic: Tenant, key: SigningKey, read: Read
) -> None:
    [report] = swept(
        b"From: Patricia <patricia@far.example>\r\nTo: junk@mail.example\r\nSubject: Fwd: x\r\n"
        b"\r\n---------- Forwarded message ---------\r\nFrom: News <news@clinic.example>\r\n"
        b"Subject: Win a prize\r\n Dr Zellweger, Far Hospital\r\n"
        b"Message-ID: one@clinic.example\r\n Dr Zellweger, Far Hospital\r\n\r\nBuy!\r\n"
    )
    assert report.tenant == clinic
    assert arf.subject(report) == "Win a prize"
    assert arf.message_id(report) == "one@clinic.example"
    assert "zellweger" not in read(report)


def test_the_subject_of_a_copy_with_other_names_for_its_fields_is_shown(clinic: Tenant) -> None:
    evidence = "보낸 사람: News <news@clinic.example>\n제목: Win a prize\n\nHello\n"
    assert arf.subject(make_report(clinic, evidence=evidence, facts=INLINE)) == "Win a prize"


# -- Recipients -------------------------------------------------------------------------


def test_the_recipients_that_a_report_names_are_hidden(
    clinic: Tenant, key: SigningKey, read: Read
) -> None:
    about = signed(
        b"From: news@clinic.example\r\nTo: list@clinic.example\r\nSubject: Win\r\n"
        b"Date: Thu, 26 Nov 2026 08:59:59 +0000\r\nMessage-ID: <b@clinic.example>\r\n\r\n"
        b"Dear Patricia@webmail.example,\r\n"
    )
    named = "Original-Rcpt-To: <patricia@webmail.example>\r\n"
    [report] = swept(Complaint(about, reporter="fbl@far.example", fields=named))
    assert report.tenant == clinic
    text = read(report)
    assert "dear redacted" in text
    for word in ("patricia", "webmail"):
        assert word not in text, word


@pytest.mark.parametrize("named", ["patricia@", "@far.example", "@", "none"])
def test_what_a_report_names_and_is_no_mailbox_hides_nothing(clinic: Tenant, named: str) -> None:
    report = report_of(clinic, "Dear all\n", facts={"recipients": [named]})
    assert arf.redacted(report).endswith("\n\nDear all\n")


@pytest.mark.parametrize(
    "noted",
    [
        "Delivered-To: patricia@far.example\n", "X-Original-To: patricia@far.example\n",
        f"Received: from x ([192.0.2.10]) by mx for <patricia@far.example>; {DATE}\n",
    ],
)  # fmt: skip
def test_of_many_recipients_the_one_that_got_it_is_hidden_first_and_no_body_is_passed_on(
    clinic: Tenant, read: Read, noted: str
) -> None:
    many = ", ".join(f"aa{n}@list.example" for n in range(MOST_HIDDEN + 5))
    evidence = (
        f"From: News <news@clinic.example>\nTo: {many}, patricia@far.example\n{noted}"
        "Subject: For patricia\n\nDear Patricia Zellweger\n"
    )
    text = read(make_report(clinic, evidence=evidence, subject="For patricia", reporter_email=""))
    assert "for redacted" in text
    for word in ("patricia", "zellweger", "far.example"):
        assert word not in text, word


def test_recipients_far_back_in_a_long_field_are_counted_and_hidden_too(
    clinic: Tenant, read: Read
) -> None:
    head = f'To: "{"x" * 5000}" <a@list.example>,\n patricia@far.example\n'
    text = read(report_of(clinic, "Dear patricia@far.example\n", head=head))
    assert "dear redacted" in text
    assert "patricia" not in text


def test_no_mailbox_but_the_senders_stays_in_a_subject(clinic: Tenant, read: Read) -> None:
    evidence = "From: News <news@clinic.example>\nSubject: For other@else.example\n\nHello\n"
    report = make_report(clinic, evidence=evidence, subject="For other@else.example")
    text = read(report)
    assert "other@" not in text
    assert "for redacted" in text


# -- Spellings --------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["patricia@far.example", "pat@far.example"])
@pytest.mark.parametrize(
    "between", ["@", "_", "=", ".", "-", "+", "%40", "=40", "%3D", "&#64;", "＠"]
)  # fmt: skip
def test_an_address_is_hidden_however_its_halves_are_joined(
    clinic: Tenant, address: str, between: str
) -> None:
    local, _at, domain = address.partition("@")
    words = (f"{local}{between}{domain}", f"{local}{between}{domain.replace('.', '-')}".upper())
    for word in words:
        report = report_of(clinic, f"List {word} of ours\n", head=f"To: {address}\n")
        assert arf.redacted(report).endswith("\n\nList redacted of ours\n"), word


@pytest.mark.parametrize("sign", ["\u00ad", "\u200b", "\u200d", "\u2060", "\ufeff", "\U000e0061"])
def test_signs_that_nobody_sees_do_not_cut_an_address_in_two(clinic: Tenant, sign: str) -> None:
    cut = f"p{sign}atricia@far.ex{sign}ample"
    head = f"X-Original-To: {cut}\n"
    for report in (
        report_of(clinic, f"Dear {cut}\n"),
        report_of(clinic, f"Dear {cut}\n", head=head),
        report_of(clinic, "Dear patricia@far.example\n", head=head),
    ):
        assert arf.redacted(report).endswith("\n\nDear redacted\n")
    assert arf.subject(report_of(clinic, subject=f"For {cut}")) == "For redacted"


def test_signs_that_nobody_sees_are_dropped_from_the_senders_hops_too(clinic: Tenant) -> None:
    head = (
        f"Received: from x ([192.0.2.10]) by mx4.inbox.example; {DATE}\n"
        "Received: from p\u00adatricia.far.example by out.clinic.example\n"
        "To: patricia@far.example\n"
    )
    assert "atricia" not in arf.redacted(report_of(clinic, head=head))


# -- Whoever reported it --------------------------------------------------------------------


@pytest.mark.parametrize(
    "field",
    ["<patricia@far.example>, <b@y.example>", '"<b@y.example>" <patricia@far.example>', "Pat"],
)
def test_whoever_may_have_written_a_report_is_hidden(
    clinic: Tenant, key: SigningKey, read: Read, field: str
) -> None:
    about = signed(
        b"From: news@clinic.example\r\nTo: list@clinic.example\r\nSubject: Win\r\n"
        b"Date: Thu, 26 Nov 2026 08:59:59 +0000\r\nMessage-ID: <b@clinic.example>\r\n\r\n"
        b"Dear patricia@far.example\r\n"
    )
    raw = bytes(Complaint(about)).replace(b"<pat@far.example>", field.encode(), 1)
    [report] = swept(raw, mail_from="patricia@far.example")
    assert "patricia" not in read(report)


def test_of_too_many_recipients_that_the_report_names_no_body_is_passed_on(
    clinic: Tenant, key: SigningKey, read: Read
) -> None:
    about = signed(
        b"From: news@clinic.example\r\nSubject: Win\r\nDate: Thu, 26 Nov 2026 08:59:59 +0000\r\n"
        b"Message-ID: <b@clinic.example>\r\n\r\nDear patricia@webmail.example\r\n"
    )
    named = "".join(f"Original-Rcpt-To: <a{n}@webmail.example>\r\n" for n in range(MOST_HIDDEN))
    last = "Original-Rcpt-To: <patricia@webmail.example>\r\n"
    [report] = swept(Complaint(about, fields=named + last))
    assert "patricia" not in read(report)
    assert "dear" not in read(report)


def test_a_message_id_of_their_server_is_hidden_though_from_names_their_domain(
    clinic: Tenant, read: Read
) -> None:
    report = make_report(
        clinic, from_domain="far.example", message_id="2026.ab@store7.mx4.far.example",
        evidence="To: patricia@far.example\nFrom: <ceo@far.example>\nSubject: x\n"
        "Message-ID: <2026.ab@store7.mx4.far.example>\n\nHello\n",
    )  # fmt: skip
    assert "store7" not in read(report)


@pytest.mark.parametrize("evidence", ["", "Subject: x\n\nHello\n"])
def test_who_reported_is_forgotten_whether_or_not_a_message_was_kept(
    clinic: Tenant, evidence: str
) -> None:
    report = report_of(
        clinic, evidence=evidence, reporter_email="patricia@far.example",
        facts={"recipients": ["patricia@far.example"]},
        read_at=timezone.now() - timedelta(days=4000),
    )  # fmt: skip
    assert housekeeping.forget() == 1
    report.refresh_from_db()
    assert (report.evidence, report.reporter_email, report.facts) == ("", "", {})
    assert housekeeping.forget() == 0


def test_a_subject_stays_without_names_when_the_message_is_forgotten(clinic: Tenant) -> None:
    report = report_of(
        clinic, head="To: patricia@far.example\n", subject="patricia, you have won",
        read_at=timezone.now() - timedelta(days=4000),
    )  # fmt: skip
    housekeeping.forget()
    report.refresh_from_db()
    assert (report.subject, report.evidence, report.facts) == ("redacted, you have won", "", {})
