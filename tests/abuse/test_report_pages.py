"""The reporter's form: what is taken, what is refused in words, and how often."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abuse import jobs, uploads
from abuse.kinds import Filed, Strength
from abuse.models import Report
from customers.models import Tenant
from escalation.limits import Limit
from escalation.models import Count
from mailroom.models import Channel, Purpose, Received
from mailroom.receiving import MAX_BYTES
from mailroom.tokens import token
from tests.abuse.mails import junk

pytestmark = pytest.mark.django_db
ENGLISH = {"accept-language": "en"}
MIB = 1024 * 1024


def eml(number: int = 1, raw: bytes = b"") -> SimpleUploadedFile:
    return SimpleUploadedFile(f"junk-{number}.eml", raw or junk(number))


def send(client: Client, *files: object, script: bool = False, **fields: Any) -> Any:
    headers = {**ENGLISH, **({"x-requested-with": "XMLHttpRequest"} if script else {})}
    given = {"purpose": "junk", "files": list(files), **fields}
    return client.post(
        "/report/", {key: value for key, value in given.items() if value}, headers=headers
    )


def shown(client: Client, path: str) -> str:
    answer = client.get(path, headers=ENGLISH)
    assert answer.status_code == 200
    return str(answer.content.decode())


def words(answer: HttpResponse) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def page_of(row: Received) -> str:
    return f"/report/{token(f'report:{row.seed}')}/"


# -- Handing in ------------------------------------------------------------------------------


def test_files_are_kept_with_one_link_and_no_name(client: Client) -> None:
    answer = send(client, eml(1), eml(2), text=junk(3).decode())

    rows = list(Received.objects.order_by("pk"))
    assert {bytes(row.raw) for row in rows} == {junk(1), junk(2), junk(3).strip()}
    assert len({row.seed for row in rows}) == 1
    for row in rows:
        assert (row.channel, row.purpose, row.language) == (Channel.WEB, Purpose.JUNK, "en")
        assert row.due_at is not None
        assert row.mail_from == row.recipient == ""
        assert len(row.who) == 64
        assert "127.0.0" not in row.who
    assert answer.status_code == 302
    assert answer.headers["Location"] == page_of(rows[0])
    assert shown(client, page_of(rows[0])).count("being read") == 3


def test_the_script_gets_the_address_of_the_outcome(client: Client) -> None:
    answer = send(client, eml(), script=True)

    assert answer.status_code == 201
    assert answer.json() == {"url": page_of(Received.objects.get())}


def test_wrongly_filtered_mail_is_kept_apart(client: Client) -> None:
    send(client, eml(), purpose="not_junk")

    assert Received.objects.get().purpose == Purpose.NOT_JUNK


def test_from_the_form_to_the_count(client: Client, clinic: Tenant) -> None:
    where = send(client, eml()).headers["Location"]
    jobs.sweep_reports()

    report = Report.objects.get()
    assert (report.filed, report.strength) == (Filed.COUNTED, Strength.D)
    assert page_of(report.received) == where
    said = shown(client, where)
    assert "Win a prize 1" in said
    assert "nothing in it proves who sent it" in said
    assert "Clinic" not in said


def test_what_somebody_else_has_reported_shows_no_link_of_theirs(client: Client) -> None:
    theirs = send(Client(), eml(1)).headers["Location"]

    answer = send(client, eml(1))

    assert answer.status_code == 200
    assert "1 message had been reported before" in words(answer)
    assert theirs not in answer.content.decode()
    assert Received.objects.get().copies == 2


def test_of_several_the_known_ones_are_counted_in_words(client: Client) -> None:
    theirs = send(Client(), eml(1)).headers["Location"]

    answer = send(client, eml(1), eml(2))

    assert answer.headers["Location"] != theirs
    said = shown(client, answer.headers["Location"])
    assert "1 message had been reported before" in said
    assert said.count('<tr role="row"') == 2  # the head, and the one that is new


def test_the_same_file_twice_in_one_report_is_one(client: Client) -> None:
    answer = send(client, eml(1), eml(1))

    assert answer.status_code == 302
    assert Received.objects.get().copies == 1


def test_opening_the_form_keeps_nothing(client: Client) -> None:
    assert "Report junk from our customers" in shown(client, "/report/")
    assert not Received.objects.exists()
    assert client.head("/report/").status_code == 200
    assert client.put("/report/").status_code == 405


def test_a_post_from_elsewhere_is_refused() -> None:
    strict = Client(enforce_csrf_checks=True)

    assert strict.post("/report/", {"purpose": "junk", "files": [eml()]}).status_code == 403
    assert not Received.objects.exists()


def test_the_front_door_leads_to_the_form(client: Client) -> None:
    assert 'class="door" href="/report/"' in shown(client, "/")
    assert 'href="/guide/abuse/"' in shown(client, "/report/")


# -- Refusals --------------------------------------------------------------------------------

NO_MAILS = {
    "outlook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500, "file of Outlook’s own"),
    "png": (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "picture"),
    "jpeg": (b"\xff\xd8\xff\xe0\0\x10JFIF", "picture"),
    "pdf": (b"%PDF-1.7\n", "picture"),
    "zip": (b"PK\x03\x04\x14\0", "picture"),
    "blank": (b" \r\n\0\n", "nothing in it"),
    "empty": (b"", "nothing in it"),
}


@pytest.mark.parametrize(("raw", "said"), NO_MAILS.values(), ids=NO_MAILS)
def test_what_is_no_mail_is_refused_by_its_name_and_with_what_helps(
    client: Client, raw: bytes, said: str
) -> None:
    answer = send(client, eml(1), SimpleUploadedFile("thing.bin", raw))

    assert answer.status_code == 422
    assert "thing.bin: " in words(answer)
    assert said in words(answer)
    assert ".eml" in words(answer)
    assert not Received.objects.exists()


def test_an_empty_form_says_what_to_hand_in(client: Client) -> None:
    answer = send(client)

    assert answer.status_code == 422
    assert "Choose the message as a file, or paste it as text." in words(answer)


def test_what_is_wrong_with_it_has_to_be_said(client: Client) -> None:
    answer = send(client, eml(), purpose="")

    assert answer.status_code == 422
    assert "checked" not in answer.content.decode()


def test_a_file_of_10_mib_is_taken_and_one_above_is_not(client: Client) -> None:
    full = junk() + b"x" * (MAX_BYTES - len(junk()))

    assert send(client, eml(raw=full + b"x")).status_code == 422
    assert send(client, eml(raw=full)).status_code == 302


def test_the_whole_may_have_25_mib(client: Client, settings: Any) -> None:
    assert settings.POSTERN_REPORT_MIB == 25
    mails = [junk(n) + b"x" * (9 * MIB) for n in range(3)]

    answer = send(client, *[eml(n, raw) for n, raw in enumerate(mails)])

    assert answer.status_code in {413, 422}
    assert not Received.objects.exists()


def test_just_above_the_whole_is_refused_in_words(client: Client, settings: Any) -> None:
    settings.POSTERN_REPORT_MIB = 1

    answer = send(client, eml(raw=junk() + b"x" * MIB))

    assert answer.status_code == 422
    assert "Together they are larger than 1 MiB" in words(answer)


def test_twenty_files_are_taken_and_twenty_one_are_not(client: Client) -> None:
    assert send(client, *[eml(n) for n in range(21)]).status_code == 400
    assert not Received.objects.exists()
    assert send(client, *[eml(n) for n in range(20)]).status_code == 302
    assert Received.objects.count() == uploads.MOST_FILES == 20


def test_pasted_text_needs_its_headers(client: Client) -> None:
    answer = send(client, text="Dear pat, you are winner number 7. Click here.")

    assert answer.status_code == 422
    assert "The headers are missing" in words(answer)
    assert "winner number 7" in words(answer)  # nobody types it again


@pytest.mark.parametrize(
    "text",
    [
        "Received: from a.example by b.example; Thu, 26 Nov 2026 09:00:00 +0000\n\nx",
        "---------- 전달된 메일 ----------\n보낸사람: <news@clinic.example>\n제목: x\n\nx",
        '{"Version": "3", "ReportType": "spam"}',
    ],
)
def test_pasted_messages_of_any_make_are_taken(client: Client, text: str) -> None:
    assert send(client, text=text).status_code == 302
    assert bytes(Received.objects.get().raw).decode().splitlines() == text.splitlines()


def test_pasted_text_has_its_bound_too(client: Client) -> None:
    text = "From: <news@clinic.example>\n\n"

    answer = send(client, text=text + "x" * uploads.MOST_TEXT)

    assert answer.status_code == 422
    assert "more than 1 MiB" in words(answer)
    assert send(client, text=text + "x" * (uploads.MOST_TEXT - 100)).status_code == 302


def test_a_network_that_reports_very_often_is_told_when_to_come_back(client: Client) -> None:
    uploads.BY_FORM.take("127.0.0.0/24", uploads.BY_FORM.most - 1)

    assert send(client, eml(1)).status_code == 302
    answer = send(client, eml(2))
    assert answer.status_code == 429
    assert "try again in" in words(answer)
    assert send(Client(REMOTE_ADDR="192.0.2.9"), eml(2)).status_code == 302


def test_the_size_of_all_reports_of_a_network_is_bounded(client: Client) -> None:
    uploads.KIBIBYTES.take("127.0.0.0/24", uploads.KIBIBYTES.most - 5)

    assert send(client, eml(1)).status_code == 302
    assert send(client, eml(2, junk(2) + b"x" * 9000)).status_code == 429


def test_a_limit_counts_as_much_as_it_is_told() -> None:
    limit = Limit("test-many", most=10, seconds=3600)
    limit.take("a", 7)
    limit.take("a", 3)
    assert Count.objects.get().n == 10


BROKEN = {
    "no boundary": ("multipart/form-data", b"--x\r\n\r\n"),
    "empty boundary": ("multipart/form-data; boundary=", b"----\r\n\r\n"),
    "cut": ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="fi'),
    "base64": (
        "multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n!!!\r\n--b--\r\n",
    ),
    "odd names": (
        "multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="files"; filename="../\xff\x00\r"\r\n\r\n'
        b"From: <a@b.example>\r\n\r\n--b--\r\n",
    ),
    "json": ("application/json", b'{"files": ["x"]}'),
}


@pytest.mark.parametrize(("kind", "body"), BROKEN.values(), ids=BROKEN)
def test_a_broken_form_breaks_nothing(client: Client, kind: str, body: bytes) -> None:
    answer = client.generic("POST", "/report/", body, content_type=kind)

    assert 400 <= answer.status_code < 500


def as_form(name: str, raw: bytes) -> bytes:
    """A form as no browser would write it."""
    head = f'--b\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    purpose = b'\r\n--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\njunk\r\n--b--\r\n'
    return head.encode() + raw + purpose


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.text(max_size=60))
def test_no_file_breaks_the_form(client: Client, raw: bytes, name: str) -> None:
    Count.objects.all().delete()
    kind = "multipart/form-data; boundary=b"

    answer = client.generic("POST", "/report/", as_form(name, raw), content_type=kind)
    assert answer.status_code in {200, 302, 400, 422}
