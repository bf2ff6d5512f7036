"""Whatever people paste, upload or type gets a clear sentence, and nothing of it is kept."""

from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from guide import diagnosis, diagnosis_views
from tests.delisting.factories import listed_before
from tests.listings.factories import make_listing
from tests.traffic import lines

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[2]
BOUNCES = ROOT / "tests/fixtures/bounces"
SHARED = ROOT.parent / "shared/corpora"
ADDRESS = "198.51.100.7"
ENGLISH = {"accept-language": "en"}
BOUNCE = (
    "<dana@clinic.example>: host mx1.mail.example[192.0.2.1] said: 550 5.7.606\n"
    f"    <unknown[{ADDRESS}]>: Client host rejected: Mail from {ADDRESS} is refused:\n"
    f"    see {lines.URL}/delist/?address={ADDRESS} (L12) (in reply to RCPT TO command)\n"
)


def page(client: Client, status: int = 200, **given: Any) -> str:
    answer = client.post("/diagnosis/", given, headers=ENGLISH)
    assert answer.status_code == status
    text: str = answer.content.decode()
    return text


ODD = {
    "empty": ("", "Paste the bounce, choose its file"),
    "blank": (" \n\t ", "Paste the bounce, choose its file"),
    "a greeting": ("Hello, how are you?", "This is no bounce"),
    "html": ("<html><body onload=alert(1)><script>alert(1)</script></body></html>", "no bounce"),
    "binary": ("\x00\x01\x02\xff" * 500, ""),
    "right to left": ("\u202e\u2066 550 5.7.606 \u202eevil\u202c", ""),
    "halves": ("550 5.7.1 \ud83d broken".encode("utf-8", "replace").decode(), ""),
    "umlauts": ("550 5.1.1 <jürgen@bücher.example>: Adresse unbekannt", "refused"),
    "zone": ("550 5.7.606 banned sending IP [fe80::1%eth0]", "refused"),
    "many lines": ("a\n" * 100_000, "no bounce"),
    "one long line": ("550 5.7.1 " + "x" * 1_000_000, "refused"),
}


@pytest.mark.parametrize(("paste", "said"), ODD.values(), ids=ODD)
def test_odd_pastes_get_a_clear_sentence(client: Client, paste: str, said: str) -> None:
    answer = client.post("/diagnosis/", {"bounce": paste}, headers=ENGLISH)

    shown = answer.content.decode()
    assert answer.status_code in {200, 422}
    assert said in shown
    assert "<script>alert" not in shown
    head = shown.partition("<h1>")[2].partition("</h1>")[0]
    assert not set("\u202e\u2066\u202c") & set(head)


def test_a_paste_of_10_mb_is_refused_with_words(client: Client) -> None:
    answer = client.post("/diagnosis/", {"bounce": "x" * 10 * 1024 * 1024}, headers=ENGLISH)

    assert answer.status_code == 413
    assert "at most 6 MB" in answer.content.decode()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("b.msg", b"\xd0\xcf\x11\xe0" + b"x" * 100, "Outlook .msg file"),
        ("b.eml", b"", "nothing in it"),
        ("b.eml", b"x" * (5 * 1024 * 1024 + 1), "larger than 5 MB"),
        ("b.eml", "550 5.1.1 Unbekannt: \xfc".encode("latin-1"), "refused"),
        ("b.eml", "550 5.1.1 unknown user".encode("utf-16"), "refused"),
        ("b.eml", b"Content-Type: text/plain; charset=nonsense-8\n\n550 5.1.1 user unknown", ""),
        ("b.eml", b"PK\x03\x04" + bytes(range(256)) * 40, "This is a picture, or another file"),
        ("b.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, "This is a picture"),
    ],
)
def test_odd_files_too(client: Client, name: str, content: bytes, said: str) -> None:
    file = SimpleUploadedFile(name, content)
    answer = client.post("/diagnosis/", {"file": file}, headers=ENGLISH)

    assert answer.status_code in {200, 422}
    assert said in answer.content.decode()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("198.51.100.7/24", "Did you mean 198.51.100.0/24"),
        ("fe80::1%eth0", "has a zone"),
        ("shop.example", "is not an IP address"),
        ("\u202e7.001.15.891", "is not an IP address"),
    ],
)
def test_odd_addresses_too(client: Client, typed: str, said: str) -> None:
    shown = client.post(
        "/diagnosis/", {"address": typed}, headers=ENGLISH, follow=True
    ).content.decode()
    assert said in shown


@pytest.mark.parametrize("path", sorted(BOUNCES.rglob("*.*")), ids=lambda path: path.name)
def test_every_bounce_on_file_gets_an_answer(client: Client, path: Path) -> None:
    file = SimpleUploadedFile("b.eml", path.read_bytes())

    assert client.post("/diagnosis/", {"file": file}).status_code in {200, 422}


@pytest.mark.skipif(not SHARED.exists(), reason="the reference corpora are not here")
def test_every_bounce_of_the_corpora_gets_one_sentence_and_one_step() -> None:
    for path in sorted((SHARED / "bounces").iterdir()):
        if path.suffix not in {".eml", ".txt"}:
            continue
        found = diagnosis.of_bounce(path.read_bytes())
        assert found.sentence, path.name
        assert found.step or found.problem, path.name
        assert found.fixers or found.problem, path.name


def test_nothing_that_is_pasted_is_kept(client: Client) -> None:
    make_listing(ADDRESS, reason_class="range")
    before = {model: model._default_manager.count() for model in apps.get_models()}

    page(client, bounce=BOUNCE)
    page(client, file=SimpleUploadedFile("b.eml", BOUNCE.encode()))

    after = {model: model._default_manager.count() for model in apps.get_models()}
    changed = {model.__name__ for model, n in after.items() if n != before[model]}
    assert changed <= {"Count"}  # how often somebody has asked; no word of what


def test_a_visitor_reads_so_many_bounces_an_hour(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis_views, "READ", diagnosis_views.Limit("test", 2, 3600))
    page(client, bounce=BOUNCE)
    page(client, bounce=BOUNCE)
    assert "asked very often" in page(client, 429, bounce=BOUNCE)


def test_the_answer_asks_the_database_alike_for_every_listing(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_listing(ADDRESS)
    path = f"/diagnosis/?address={ADDRESS}"
    with django_assert_num_queries(10):
        client.get(path)
    listed_before(ADDRESS, days_ago=4, times=30)
    make_listing(ADDRESS)
    with django_assert_num_queries(10):
        client.get(path)
