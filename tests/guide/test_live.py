"""What the DNS says of a server and its domain, shown as it arrives, within five seconds."""

import re

import pytest
from django.test import Client

from escalation import resolving
from guide import live
from tests.delisting.dns import Dns
from tests.listings.factories import make_listing

pytestmark = pytest.mark.django_db
ADDRESS = "198.51.100.7"
ENGLISH = {"accept-language": "en"}
PTR = ("7.100.51.198.in-addr.arpa", "PTR")
SIGNED = (
    b"Received: by x\nDKIM-Signature: v=1; a=rsa-sha256; d=bank.example;\n s=s2026; c=relaxed;\n"
    b"\tbh=abc=; b=def\nFrom: a@bank.example\n\nHello\n"
)


def asked(address: str = ADDRESS, domain: str = "bank.example", **more: str) -> dict[str, str]:
    return {"address": address, "domain": domain, **more}


def states(client: Client, fields: dict[str, str]) -> str:
    parts = ("names", "spf", "dmarc", "dkim")
    said = [part(client, fields, only) for only in parts]
    return " ".join(said)


def part(client: Client, fields: dict[str, str], only: str) -> str:
    """What the script asks for, one question at a time."""
    answer = client.post("/diagnosis/live/", {**fields, "only": only}, headers=ENGLISH)
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def test_names_and_records_are_looked_up_and_told_apart(client: Client, dns: Dns) -> None:
    dns.records |= {
        PTR: ["mail.bank.example."],
        ("mail.bank.example", "A"): [ADDRESS],
        ("bank.example", "TXT"): ['"v=spf1 mx -all"', '"other"'],
        ("s2026._domainkey.bank.example", "TXT"): ['"v=DKIM1; p=MIIB"'],
    }
    dns.broken.add("_dmarc.bank.example")

    shown = states(client, asked(selector="s2026", signer="bank.example"))

    assert "agrees mail.bank.example" in shown
    assert "SPF found v=spf1 mx -all" in shown
    assert "DMARC could not look up" in shown
    assert "DKIM found v=DKIM1" in shown


def test_what_is_missing_is_said_with_the_record_that_would_mend_it(client: Client) -> None:
    shown = states(client, asked(selector="s2026", signer="bank.example"))

    assert "The address has no reverse name" in shown
    assert "7.100.51.198.in-addr.arpa. PTR mail.bank.example." in shown
    assert "v=spf1 mx ip4:198.51.100.7 ~all" in shown
    assert "v=DMARC1; p=none" in shown
    assert "no key where the signature" in shown


def test_a_name_that_does_not_lead_back_and_two_spf_records(client: Client, dns: Dns) -> None:
    dns.records |= {
        PTR: ["mail.bank.example."],
        ("bank.example", "TXT"): ['"v=spf1 a -all"', '"v=spf1 mx -all"'],
        ("s2026._domainkey.bank.example", "TXT"): ['"v=DKIM1; p="'],
    }

    shown = states(client, asked(selector="s2026", signer="bank.example"))

    assert "one way only mail.bank.example" in shown
    assert "mail.bank.example. A 198.51.100.7" in shown
    assert "SPF more than one" in shown
    assert "~all" not in shown  # a third record would not mend two
    assert "DKIM taken back" in shown


@pytest.mark.parametrize(
    "fields",
    [
        asked(address="10.0.0.1", domain=""), asked(address="127.0.0.1", domain=""),
        asked(address="nonsense", domain="nonsense"), asked(address="", domain="a" * 250),
        asked(address="", domain="..", signer="x y", selector="../x"), {},
    ],
)  # fmt: skip
def test_what_nobody_should_ask_is_not_asked(
    client: Client, dns: Dns, fields: dict[str, str]
) -> None:
    assert "nothing here that we could look up" in states(client, fields)
    assert dns.asked == []


def test_what_could_not_be_looked_up_gets_no_advice(client: Client, dns: Dns) -> None:
    dns.broken |= {PTR[0], "bank.example", "_dmarc.bank.example"}

    shown = states(client, asked())

    assert shown.count("could not look up") == 3
    assert "would mend" not in shown


def test_the_policy_of_the_domain_above_counts_for_one_below(client: Client, dns: Dns) -> None:
    dns.records["_dmarc.bank.example", "TXT"] = ['"v=DMARC1; p=reject"']

    assert "DMARC found v=DMARC1; p=reject" in states(client, asked(domain="news.bank.example"))


def test_without_a_script_it_is_a_page_of_its_own(client: Client) -> None:
    make_listing(ADDRESS)
    shown = client.get(f"/diagnosis/?address={ADDRESS}", headers=ENGLISH).content.decode()
    assert 'action="/diagnosis/live/"' in shown

    answer = client.post("/diagnosis/live/", asked(), headers=ENGLISH).content.decode()
    assert "<h1>" in answer
    assert "Look again" in answer
    assert client.get("/diagnosis/live/").status_code == 302


def test_a_visitor_looks_up_so_much_an_hour(
    client: Client, dns: Dns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "ASKED", live.Limit("test-live", 1, 3600))
    states(client, asked())
    n_asked = len(dns.asked)
    assert "asked very often" in states(client, asked())
    assert len(dns.asked) == n_asked


def test_a_signature_is_found_in_what_came_back() -> None:
    assert live.signature_in(SIGNED) == live.Signature("s2026", "bank.example")
    assert live.signature_in(b"x" * 100_000) == live.Signature()
    assert live.signature_in(b"DKIM-Signature: a\n" + b" " * 65_400) == live.Signature()
    assert live.signature_in(b"DKIM-Signature: d=..; s=$(id)\n\n") == live.Signature()


def test_a_resolver_that_is_silent_ends_in_time(
    client: Client, dns: Dns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolving, "LIFETIME", 1.0)
    dns.mute |= {"bank.example", "_dmarc.bank.example", PTR[0]}

    shown = states(client, asked())

    assert shown.count("could not look up") == 3
