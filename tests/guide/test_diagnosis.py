"""The front page's answer: one sentence, whose list, who can fix it, one step; nothing kept."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from delisting.models import Referral
from guide import diagnosis
from guide.answers import Answer
from listings.formats.rbldnsd import CODES
from listings.models import ReasonClass
from listings.sinks.rbldnsd.writer import TEST_CODE
from mailroom import dsn
from tests.delisting.factories import listed_before
from tests.listings.factories import let_in, make_listing, publish
from tests.traffic import lines

pytestmark = pytest.mark.django_db
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


def test_a_bare_line_that_others_say_too_asks_for_the_address(client: Client) -> None:
    shown = page(client, bounce="550 5.7.606 Access denied")

    assert "the line does not say which" in shown
    assert 'href="/delist/"' in shown
    assert "Microsoft 365" in shown
    assert shown.count("btn primary") == 1


def test_the_same_line_after_the_address_was_let_in(client: Client) -> None:
    for n in range(5):
        make_listing(f"198.51.100.{n + 5}")
    publish()
    let_in(ADDRESS)
    publish()

    found = answered(OURS["bare"])

    assert found.whose == "ours"
    assert "is not on our list any more" in found.sentence


def test_what_is_put_off_is_not_said_to_be_refused() -> None:
    found = answered("450 4.7.1 <dana@clinic.example>: Greylisted, try again")

    assert "was put off" in found.sentence


def test_the_answer_speaks_of_our_own_code_for_our_own_list(client: Client) -> None:
    make_listing(ADDRESS)

    found = answered(OURS["bare"])

    assert found.entry is not None
    assert found.entry.said_by == "ours"


@pytest.mark.parametrize("typed", ["0.0.0.0/0", "::/0", "203.0.112.0/20"])
def test_a_wide_prefix_belongs_to_the_look_up(client: Client, typed: str) -> None:
    make_listing("203.0.113.5")

    answer = client.get("/diagnosis/", {"address": typed})
    assert answer.headers["Location"].startswith("/delist/?address=")
    shown = client.get(answer.headers["Location"], headers=ENGLISH).content.decode()
    assert "Some addresses of" in shown or "not on our list" in shown
    client.post("/delist/refer/", {"address": typed})
    assert not Referral.objects.exists()


@pytest.mark.parametrize("path", ["/delist/", "/diagnosis/"])
@pytest.mark.parametrize("typed", ["192.168.1.5", "127.0.0.1", "0.0.0.0", "fe80::1", "10.1.2.3"])
def test_an_address_of_no_public_net_is_told_so(client: Client, path: str, typed: str) -> None:
    answer = client.get(path, {"address": typed}, headers=ENGLISH)

    assert answer.status_code == 422
    assert "is no address of the public Internet" in answer.content.decode()


def test_a_mark_alone_leads_to_its_page(client: Client) -> None:
    answer = client.post("/diagnosis/", {"bounce": "S3150"}, follow=True, headers=ENGLISH)

    assert "Outlook.com" in answer.content.decode()


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
