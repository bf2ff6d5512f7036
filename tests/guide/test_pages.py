"""The guide's pages: complete in both languages, open to the operator's own, found by search."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from guide import codes, search
from guide.pages import CONTENT, all_pages, known_values

pytestmark = pytest.mark.django_db
WANTED = {
    "getting-started", "requirements", "authentication", "filters", "bulk", "troubleshooting",
    "delisting", "cases", "abuse", "privacy",
}  # fmt: skip
VALUE = re.compile(r"{{ *([a-z_]+) *}}")
LINK = re.compile(r"\]\(\.\./([a-z-]+)/\)")
FILES = sorted(path.name for path in (CONTENT / "en").glob("*.md"))


def both(name: str) -> tuple[str, str]:
    return tuple((CONTENT / lang / name).read_text() for lang in ("en", "ko"))  # type: ignore[return-value]


def test_every_subject_has_its_page_in_both_languages() -> None:
    for language in ("en", "ko"):
        pages = all_pages(language)
        assert set(pages) == WANTED
        assert {page.language for page in pages.values()} == {language}


@pytest.mark.parametrize("name", FILES)
def test_both_say_the_same_with_the_same_values_and_links(name: str) -> None:
    english, korean = both(name)

    for pattern in (VALUE, LINK, re.compile(r"^## ", re.M), re.compile(r"^```", re.M)):
        assert sorted(pattern.findall(english)) == sorted(pattern.findall(korean))
    assert set(VALUE.findall(english)) <= set(known_values())
    assert set(LINK.findall(english)) <= WANTED
    assert re.search("[가-힣]", korean)


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("slug", sorted(WANTED))
def test_each_page_is_shown_with_no_value_left_open(
    client: Client, slug: str, language: str
) -> None:
    answer = client.get(f"/guide/{slug}/", headers={"accept-language": language})

    shown = answer.content.decode()
    assert answer.status_code == 200
    assert "{{" not in shown
    assert len(answer.content) < 60_000


def test_links_of_the_guide_lead_somewhere(client: Client) -> None:
    paths = {"/guide/", "/transparency/", "/delist/", "/diagnosis/", "/guide/codes/"}
    for page in all_pages("en").values():
        paths |= set(re.findall(r'href="(/[^"]*)"', page.html))
    for path in paths:
        assert client.get(path).status_code == 200, path


def test_the_operator_replaces_a_page_and_adds_another(
    client: Client, settings: Any, tmp_path: Path
) -> None:
    settings.POSTERN_GUIDE_DIR = str(tmp_path)
    (tmp_path / "en").mkdir()
    (tmp_path / "en/90-abuse.md").write_text("# Ours\n\nWrite to {{ junk }} <b>now</b>.\n")
    (tmp_path / "en/05-welcome.md").write_text("# Welcome\n\nHello [x](javascript:alert(1))\n")
    (tmp_path / "en/notes.md").write_text("# not a page")

    shown = client.get("/guide/abuse/").content.decode()
    assert "<h1>Ours</h1>" in shown
    assert "junk@mail.example" in shown
    assert "&lt;b&gt;now" in shown  # no HTML of theirs
    assert "javascript:" not in client.get("/guide/welcome/").content.decode().replace(
        "](javascript:", ""
    )
    contents = client.get("/guide/").content.decode()
    assert contents.index("Welcome") < contents.index("Getting started")
    assert client.get("/guide/notes/").status_code == 404

    (tmp_path / "en/90-abuse.md").write_text("# Changed\n\nAt once.\n")
    assert "Changed" in client.get("/guide/abuse/").content.decode()
    korean = client.get("/guide/welcome/", headers={"accept-language": "ko"}).content.decode()
    assert 'lang="en"' in korean  # said in another language than the page around it


def test_a_page_that_is_not_there_is_told_so(client: Client) -> None:
    assert client.get("/guide/nonsense/").status_code == 404
    assert client.get("/guide/..%2f..%2fsettings/").status_code == 404


def test_every_page_asks_the_database_alike(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for path in ("/guide/", "/guide/delisting/", "/guide/search/?q=dkim"):
        with django_assert_num_queries(1):
            client.get(path)
    with django_assert_num_queries(0):
        client.get("/guide/codes/")


# -- Search -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    ["550-5.7.606", "5.7.606", "5,7,606", "5 7 606", "550 5.7.606 Access denied", "5.7.6O6"],
)
def test_a_code_is_found_however_it_is_written(client: Client, query: str) -> None:
    hits = search.find(query, "en")

    assert hits[0].entry is not None
    assert hits[0].entry.covers((5, 7, 606))


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("AS(1430)", "microsoft-banned-address"),
        ("as1430", "microsoft-banned-address"),
        ("S3150", "outlook-network-blocked"),
        ("s3140", "outlook-network-blocked"),
        ("TSS04", "yahoo-deferred"),
        ("banned sending ip", "microsoft-banned-address"),
        ("baned sending ip", "microsoft-banned-address"),
        ("spamhouse pbl", "spamhaus-pbl"),
        ("127.0.0.10", "our-class-policy"),
        ("mailbox full", "rfc-x-2-2"),
    ],
)
def test_marks_and_words_are_found_with_slips(query: str, first: str) -> None:
    found = [hit.entry.id for hit in search.find(query, "en") if hit.entry]

    assert first in found[:3]


@pytest.mark.parametrize(
    ("query", "language", "slug"),
    [
        ("reverse name", "en", "authentication"),
        ("warming up", "en", "bulk"),
        ("unsubscibe", "en", "bulk"),
        ("역방향 이름", "ko", "authentication"),
        ("대량 발송", "ko", "bulk"),
        ("대기 시간", "ko", "delisting"),
    ],
)
def test_pages_are_found_by_their_words(query: str, language: str, slug: str) -> None:
    found = [hit.page.slug for hit in search.find(query, language) if hit.page]

    assert slug in found[:3]


@pytest.mark.parametrize(
    "query", ["", " ", "\0", "🙂" * 50, "x" * 10_000, "' OR 1=1", "<b>", "5.7"]
)
def test_nonsense_finds_nothing_or_something_but_never_fails(client: Client, query: str) -> None:
    answer = client.get("/guide/search/", {"q": query}, follow=True)

    assert answer.status_code in {200, 404}
    assert "<b>" not in answer.content.decode().partition('name="q"')[2][:200].partition(">")[0]


def test_an_address_is_no_code(client: Client) -> None:
    assert search.code_in("5.9.17.20") == ""
    answer = client.get("/guide/search/", {"q": "5.9.17.20"})
    assert answer.headers["Location"] == "/delist/?address=5.9.17.20"


# -- Codes ----------------------------------------------------------------------------------------


def test_the_dictionary_is_well_formed() -> None:
    known = codes.entries()
    assert len({entry.id for entry in known}) == len(known) > 150
    for entry in known:
        assert entry.fixers, entry.id
        assert set(entry.fixers) <= {"sender", "recipient", "owner", "service", "nobody"}
        assert entry.self_service in {"ours", "form", "no"}
        assert entry.where.startswith("https://") or not entry.where
        assert entry.self_service != "form" or entry.where, entry.id
        assert all(word == word.lower() for word in entry.words)
        english, korean = entry.texts["en"], entry.texts["ko"]
        assert len(english.steps) == len(korean.steps) > 0, entry.id
        for text in (korean.title, korean.means, *korean.steps):
            assert re.search("[가-힣]", text), entry.id


SAID = """
4.7.500 4.7.550 4.7.650 4.7.699 4.7.850 4.7.899 5.7.1 5.7.23 5.7.25 5.7.26 5.7.501 5.7.502
5.7.503 5.7.506 5.7.507 5.7.508 5.7.509 5.7.510 5.7.511 5.7.512 5.7.513 5.7.515 5.7.606
5.7.649 5.7.700 5.7.705 5.7.708 5.7.749 5.7.750 4.7.26 5.7.12 5.7.124 5.7.133 5.7.136
5.1.8 5.1.90 5.2.2 5.1.1 5.4.1 5.7.9 5.7.27 5.7.30 S3140 S3150 TSS04
"""


@pytest.mark.parametrize("code", SAID.split())
@pytest.mark.parametrize("language", ["en", "ko"])
def test_what_receivers_say_has_a_page(client: Client, code: str, language: str) -> None:
    answer = client.get(f"/guide/codes/{code}/", headers={"accept-language": language})

    assert answer.status_code == 200
    assert answer.context["entries"]


def test_every_entry_leads_to_its_own_page(client: Client) -> None:
    for entry in codes.entries():
        found = codes.named(entry.slug)
        assert entry in found, entry.id
        assert client.get(f"/guide/codes/{entry.slug}/").status_code == 200


@pytest.mark.parametrize("code", ["5.7.999", "4.0.1", "2.9.9", "5.123.456"])
def test_a_code_that_nobody_has_described_is_told_by_its_digits(client: Client, code: str) -> None:
    answer = client.get(f"/guide/codes/{code}/", headers={"accept-language": "en"})

    shown = answer.content.decode()
    assert answer.status_code == 200
    assert "Nobody has told us" in shown
    assert "Paste the bounce" in shown


@pytest.mark.parametrize("slug", ["nonsense", "x" * 300, "<script>", "5.7.6o6", "550-5.7.606"])
def test_what_is_no_code_helps_too(client: Client, slug: str) -> None:
    answer = client.get(f"/guide/codes/{slug}/", follow=True)

    assert answer.status_code in {200, 404}
    assert "<script>" not in answer.content.decode().replace('<script src="/static', "")
