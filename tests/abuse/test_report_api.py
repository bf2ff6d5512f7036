"""Reports by program: bodies as they come, refusals as problem details."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abuse import jobs, uploads
from abuse.kinds import Filed
from abuse.models import Report
from customers import actions
from customers.models import Membership, User
from escalation.models import Count
from mailroom.models import Channel, Purpose, Received
from mailroom.receiving import MAX_BYTES
from tests.abuse.mails import Complaint, junk

pytestmark = pytest.mark.django_db
PLACE = "/api/v1/junk-reports/"
MAIL, JSON = "message/rfc822", "application/json"
XARF = {
    "Version": "3",
    "ReporterInfo": {"ReporterOrg": "Far", "ReporterOrgEmail": "pat@far.example"},
    "Report": {
        "ReportClass": "Activity", "ReportType": "Spam", "SourceIp": "192.0.2.10",
        "Date": "2026-11-26T09:00:00Z",
    },
}  # fmt: skip


def post(client: Client, body: bytes, kind: str = MAIL, query: str = "", **headers: str) -> Any:
    given_headers = {"accept-language": "en", **headers}
    return client.generic(
        "POST", PLACE + query, body, content_type=kind, headers=given_headers
    )  # fmt: skip


def files(client: Client, *mails: bytes, **headers: str) -> Any:
    given_files = [SimpleUploadedFile(f"{n}.eml", raw) for n, raw in enumerate(mails)]
    return client.post(PLACE, {"file": given_files}, headers={"accept-language": "en", **headers})


def key_of(user: User, *scopes: str) -> str:
    place = Membership.objects.get(user=user)
    return actions.create_key(
        place.tenant, place.actor(), label="Robot", scopes=scopes, expires_at=None
    )[1]


def problem(answer: Any, status: int, code: str) -> str:
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:postern:problem:{code}"
    return str(answer.json()["detail"])


def test_a_mail_is_kept_octet_by_octet_and_its_page_told(client: Client) -> None:
    raw = bytes(Complaint(junk())) + b"\xff\x00\r\n"
    answer = post(client, raw)

    row = Received.objects.get()
    assert bytes(row.raw) == raw
    assert (row.channel, row.purpose, row.mail_from) == (Channel.API, Purpose.JUNK, "")
    assert answer.status_code == 202
    said = answer.json()
    assert said["url"] == f"http://testserver/report/{said['token']}/"
    assert (said["reports"], said["duplicates"]) == (1, 0)
    assert client.get(f"/report/{said['token']}/").status_code == 200
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_an_xarf_document_is_read_as_one(client: Client) -> None:
    assert post(client, json.dumps(XARF).encode(), JSON).status_code == 202
    jobs.sweep_reports()

    report = Report.objects.get()
    assert (report.format, report.source_address) == ("xarf", "192.0.2.10")
    assert report.filed in {Filed.NOT_OURS, Filed.NO_TENANT}


def test_several_files_are_one_upload(client: Client) -> None:
    answer = files(client, junk(1), junk(2))

    assert answer.json()["reports"] == 2
    assert len({row.seed for row in Received.objects.all()}) == 1


def test_what_came_before_gives_nobody_s_link(client: Client) -> None:
    first = post(client, junk()).json()
    again = post(Client(REMOTE_ADDR="192.0.2.7"), junk()).json()

    assert again == {"url": None, "token": None, "reports": 0, "duplicates": 1}
    assert first["duplicates"] == 0


def test_wrongly_filtered_mail_is_named_in_the_address(client: Client) -> None:
    assert post(client, junk(), query="?purpose=not_junk").status_code == 202
    assert Received.objects.get().purpose == Purpose.NOT_JUNK
    problem(post(client, junk(), query="?purpose=bounce"), 400, "invalid")


def test_a_tenant_reports_once_wherever_and_by_whichever_key(client: Client, dana: User) -> None:
    for n, address in enumerate(("192.0.2.1", "203.0.113.1")):
        key = key_of(dana, "tickets:write")
        answer = post(Client(REMOTE_ADDR=address), junk(n), authorization=f"Bearer {key}")
        assert answer.status_code == 202
    post(Client(REMOTE_ADDR="192.0.2.1"), junk(7))

    first, second, third = Received.objects.order_by("pk")
    assert first.who == second.who
    assert first.who.startswith("tenant:")
    assert third.who != first.who


def test_a_wrong_key_is_refused_and_one_that_only_reads(client: Client, dana: User) -> None:
    problem(post(client, junk(), authorization="Bearer pk_x_y"), 401, "authentication-failed")
    reads = key_of(dana, "tickets:read")
    problem(post(client, junk(), authorization=f"Bearer {reads}"), 403, "permission-denied")


def test_a_session_is_not_looked_at(client: Client, dana: User) -> None:
    client.force_login(dana)
    assert post(client, junk()).status_code == 202
    assert not Received.objects.get().who.startswith("tenant:")


def test_no_page_of_others_makes_its_visitors_report(client: Client) -> None:
    foreign = files(client, junk(), **{"sec-fetch-site": "cross-site"})
    assert "our form" in problem(foreign, 403, "from-a-page")
    assert not Received.objects.exists()


def test_more_than_10_mib_is_too_large(client: Client) -> None:
    full = junk() + b"x" * (MAX_BYTES - len(junk()))
    problem(post(client, full + b"x"), 413, "too-large")
    assert post(client, full).status_code == 202


def test_files_have_their_bounds(client: Client, settings: Any) -> None:
    problem(files(client, *[junk(n) for n in range(21)]), 413, "too-many-files")
    settings.POSTERN_REPORT_MIB = 1
    problem(files(client, junk() + b"x" * 1024 * 1024), 413, "too-large")
    assert not Received.objects.exists()


def test_fields_are_no_files(client: Client) -> None:
    big = client.post(PLACE, {"file": "x" * (7 * 1024 * 1024)}, headers={"accept-language": "en"})
    problem(big, 413, "too-large")
    small = client.post(PLACE, {"body": "From: <a@b.example>"}, headers={"accept-language": "en"})
    problem(small, 422, "not-a-mail")


@pytest.mark.parametrize("kind", ["text/plain", "multipart/report; boundary=b", "image/png", "x"])
def test_other_types_are_named_as_such(client: Client, kind: str) -> None:
    problem(post(client, junk(), kind), 415, "unsupported-media-type")


@pytest.mark.parametrize("body", [b"", b" \r\n", b"\xd0\xcf\x11\xe0rest", b"%PDF-1.7"])
def test_what_is_no_mail_is_refused(client: Client, body: bytes) -> None:
    problem(post(client, body), 422, "not-a-mail")
    assert not Received.objects.exists()


def test_json_that_is_no_object_is_refused(client: Client) -> None:
    assert "JSON object" in problem(post(client, b"[1]", JSON), 422, "not-a-mail")


def test_brackets_without_end_are_kept_for_the_reader(client: Client) -> None:
    assert post(client, b'{"a":' + b"[" * 1_000_000, JSON).status_code == 202
    jobs.sweep_reports()

    assert Received.objects.get().unread == "too-many-parts"


def test_a_network_that_reports_very_often_waits(client: Client) -> None:
    uploads.BY_API.take("127.0.0.0/24", uploads.BY_API.most - 1)

    assert post(client, junk(1)).status_code == 202
    assert "try again in" in problem(post(client, junk(2)), 429, "too-often")


def test_reading_is_not_what_it_is_for(client: Client) -> None:
    problem(client.get(PLACE, headers={"accept-language": "en"}), 405, "method-not-allowed")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=200),
    st.sampled_from([MAIL, JSON, "multipart/form-data; boundary=b", "multipart/form-data"]),
)
def test_no_body_breaks_it(client: Client, body: bytes, kind: str) -> None:
    Count.objects.all().delete()
    assert post(client, body, kind).status_code in {202, 400, 413, 415, 422}
