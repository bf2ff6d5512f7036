"""The front page's answer: one sentence, whose list, who can fix it, one step; nothing kept."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import translation
from pytest_django import DjangoAssertNumQueries

from delisting.models import Referral
from guide import diagnosis, diagnosis_views
from guide.answers import Answer
from listings.formats.rbldnsd import CODES
from listings.models import ReasonClass
from listings.sinks.rbldnsd.writer import TEST_CODE
from mailroom import dsn
from tests.delisting.factories import listed_before
from tests.listings.factories import let_in, make_listing, publish
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
OURS = {
    "by table": lines.refused(ADDRESS),
    "by DNS": lines.by_dns(ADDRESS),
    "bounce": BOUNCE,
    "bare": f"550 5.7.606 Access denied, banned sending IP [{ADDRESS}]",
}
SPAMHAUS = (
    "554 5.7.1 Service unavailable; Client host [203.0.113.9] blocked using zen.spamhaus.org; "
    "https://www.spamhaus.org/query/ip/203.0.113.9"
)


def answered(text: str, typed: str = "") -> Answer:
    with translation.override("en"):
        return diagnosis.of_bounce(text.encode(), typed)


def page(client: Client, status: int = 200, **given: Any) -> str:
    answer = client.post("/diagnosis/", given, headers=ENGLISH)
    assert answer.status_code == status
    text: str = answer.content.decode()
    return text


# -- Ours --------------------------------------------------------------------------------------


@pytest.mark.parametrize("paste", OURS.values(), ids=OURS)
def test_our_own_refusal_leads_to_the_delist_page(client: Client, paste: str) -> None:
    make_listing(ADDRESS)

    found = answered(paste)

    assert found.whose == "ours"
    assert ADDRESS in found.sentence
    assert found.step is not None
    assert found.step.url == f"/delist/?address={ADDRESS}"
    assert [fixer.party for fixer in found.fixers if fixer.can] == ["sender", "customer"]
    shown = page(client, bounce=paste)
    assert shown.count("btn primary") == 1
    assert f"/delist/?address={ADDRESS}" in shown


def test_the_mock_ups_sentence(client: Client) -> None:
    make_listing(ADDRESS)

    assert (
        f"Your mail to dana@clinic.example was refused because your server, {ADDRESS}, is on our "
        "blocklist." in page(client, bounce=BOUNCE)
    )


@pytest.mark.parametrize(
    ("reason", "can"),
    [("range", "customer"), ("manual", "customer"), ("tenant", "customer")],
)
def test_what_senders_may_not_lift_leads_to_a_link_to_pass_on(
    client: Client, reason: str, can: str
) -> None:
    make_listing(ADDRESS, reason_class=reason)

    found = answered(BOUNCE)
    assert found.step is not None
    assert found.step.referral
    assert found.fixers[0].party == can
    assert [fixer.party for fixer in found.fixers if fixer.can] == [can]

    shown = page(client, bounce=BOUNCE)
    facts = re.search(r'name="facts" value="([^"]+)"', shown)
    assert facts is not None
    assert not Referral.objects.exists()

    link = client.post("/diagnosis/refer/", {"facts": facts[1]}, headers=ENGLISH).content.decode()
    made = Referral.objects.get()
    assert (made.prefix, made.recipient) == (ADDRESS, "dana@clinic.example")
    assert bytes(made.bounce) == BOUNCE.strip().encode()
    assert "/refer/" in link


def test_facts_that_we_did_not_sign_make_no_link(client: Client) -> None:
    for facts in ("", "x", "eyJ9:1:x"):
        assert client.post("/diagnosis/refer/", {"facts": facts}).status_code == 302
    assert not Referral.objects.exists()


def test_a_third_time_is_said_and_passed_on(client: Client) -> None:
    listed_before(ADDRESS, days_ago=5, times=2)
    make_listing(ADDRESS)

    shown = page(client, bounce=BOUNCE)

    assert "Make a link to pass on" in shown
    assert "not alone this time" in shown
    assert "Before" in shown


def test_what_is_off_the_list_by_now_is_said(client: Client) -> None:
    for n in range(5):
        make_listing(f"198.51.100.{n + 5}")
    publish()
    let_in(ADDRESS)
    assert "have not confirmed it yet" in page(client, bounce=BOUNCE)

    publish()
    assert "is not on our list any more" in page(client, bounce=BOUNCE)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_everything_that_we_can_say_has_a_page(client: Client, language: str) -> None:
    """The statuses of our replies, and the return codes of every class of our DNS list."""
    said = {dsn.read(text.encode()).results[0].status for text in OURS.values()} - {""}
    said |= {f"127.0.0.{octet}" for octet in [*CODES.values(), TEST_CODE]}
    assert {str(kind) for kind in CODES} == set(ReasonClass.values)

    for code in said:
        answer = client.get(f"/guide/codes/{code}/", headers={"accept-language": language})
        assert answer.status_code == 200, code
        assert any(entry.said_by == "ours" for entry in answer.context["entries"]), code


# -- Not ours ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "entry", "party", "outside"),
    [
        (SPAMHAUS, "spamhaus-zen", "sender", "https://check.spamhaus.org/"),
        ("550 5.7.1 Unfortunately, messages from [203.0.113.9] weren't sent. Please contact your "
         "Internet service provider since part of their network is on our block list (S3140).",
         "outlook-network-blocked", "sender", "https://olcsupport.office.com/"),
        ("550 5.1.1 The email account that you tried to reach does not exist. gsmtp",
         "gmail-no-such-user", "sender", ""),
        ("552 5.2.2 The email account that you tried to reach is over quota. gsmtp",
         "gmail-mailbox-full", "customer", ""),
        ("450 4.2.0 Greylisted, try again in 300 seconds", "greylisting", "nobody", ""),
        ("550 5.7.26 This mail is unauthenticated", "gmail-unauthenticated", "sender", ""),
        ("550 5.1.1 User unknown", "rfc-x-1-1", "sender", ""),
        ("550 5.0.0 Unknown user", "", "", ""),
        ("550 5.7.23 The message was rejected because of Sender Policy Framework violation",
         "microsoft-spf", "sender", ""),
        ("550 5.7.513 Service unavailable, Client host [203.0.113.9] blocked by recipient's "
         "organization", "microsoft-recipient-blocks-address", "customer", ""),
    ],
)  # fmt: skip
def test_what_others_say_is_told_apart(reply: str, entry: str, party: str, outside: str) -> None:
    found = answered(reply)

    assert found.whose != "ours"
    if entry:
        assert found.entry is not None
        assert found.entry.id == entry
    if party:
        assert found.fixers[0].party == party
    assert found.step is not None
    assert found.step.outside == bool(outside)
    assert found.step.url == outside or not outside


SAID_BY = "<d@x.example>: host {mx}[192.0.2.1] said: {reply}\n"


@pytest.mark.parametrize(
    ("mx", "reply"),
    [
        (
            "mx.other.example",
            f"450 4.7.25 Client host rejected: cannot find your reverse hostname, [{ADDRESS}]",
        ),
        ("mx.other.example", f"550 5.7.1 Message from [{ADDRESS}] rejected by local policy"),
        ("mx.other.example", f"550 5.7.1 Service unavailable; client [{ADDRESS}] blocked"),
        ("mx1.mail.example", f"450 4.7.25 cannot find your reverse hostname, [{ADDRESS}]"),
        ("mx1.mail.example", "550 5.1.1 <d@x.example>: User unknown"),
        ("mx1.mail.example", f"450 4.2.0 <d@x.example>: Greylisted, [{ADDRESS}]"),
    ],
)
def test_a_listed_address_is_not_the_reason_of_every_refusal(mx: str, reply: str) -> None:
    make_listing(ADDRESS)

    found = answered(SAID_BY.format(mx=mx, reply=reply))

    assert "our blocklist" not in found.sentence
    assert found.step is not None
    assert "/delist/" not in found.step.url


def test_after_days_of_trying_the_last_reply_says_why() -> None:
    found = answered(
        "Final-Recipient: rfc822; d@x.example\nAction: failed\nStatus: 4.4.7\n"
        "Diagnostic-Code: smtp; 550 4.4.7 expired [LED=450 4.7.26 no SPF, 192.0.2.17]"
    )
    assert found.entry is not None
    assert "4.7.26" in found.entry.codes


def test_an_address_beside_the_bounce_that_is_another_is_warned_about(client: Client) -> None:
    make_listing(ADDRESS)

    shown = page(client, bounce=BOUNCE, address="203.0.113.50")
    assert "You typed 203.0.113.50, but the bounce is about 198.51.100.7" in shown
    assert "You typed" not in page(client, bounce=BOUNCE, address=ADDRESS)


def test_an_address_alone_has_a_page_of_its_own(client: Client) -> None:
    make_listing(ADDRESS)

    answer = client.post("/diagnosis/", {"address": ADDRESS})
    assert answer.headers["Location"] == f"/diagnosis/?address={ADDRESS}"
    shown = client.get(answer.headers["Location"], headers=ENGLISH).content.decode()
    assert "is on our blocklist" in shown
    assert "automatic" in shown
    free = client.get("/diagnosis/?address=203.0.113.200", headers=ENGLISH).content.decode()
    assert "is not on our list" in free


# -- Input of every kind -----------------------------------------------------------------------

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
        ("b.eml", b"PK\x03\x04" + bytes(range(256)) * 40, "no bounce"),
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
