"""The status page: where the letter is, in the server's own words; other proofs; and as JSON."""

import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO
from threading import BoundedSemaphore
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from delisting import proofs
from delisting.lifecycle import State
from delisting.models import DelistRequest, Proof
from escalation import limits, queue
from listings.models import Listing
from mailroom.models import Letter
from tests.delisting.dns import Dns
from tests.delisting.factories import (
    ADDRESS,
    MAILBOX,
    asked,
    letter_to,
    link_in,
    make_desk,
    status_path,
    work,
)
from tests.listings.factories import lister_of, make_listing
from tests.mailroom.postoffice import PostOffice
from tests.tickets.factories import make_sink

pytestmark = pytest.mark.django_db
NAME = "25.100.51.198.in-addr.arpa"
HERE = "127.0.0.25"


@pytest.fixture(autouse=True)
def desk() -> None:
    make_desk()
    make_listing(ADDRESS)


@pytest.fixture
def office(settings: Any) -> Iterator[PostOffice]:
    """The mail server that takes our letters, or not."""
    server = PostOffice()
    server.controller.start()
    settings.EMAIL_BACKEND = "mailroom.smtp.Backend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.controller.port
    yield server
    server.controller.stop()


def page(client: Client, request: DelistRequest) -> str:
    answer = client.get(status_path(request))
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("250 2.1.5 Ok", "Accepted by the mail server"),
        ("451 4.7.1 Greylisted, come back in 10 minutes", "Put off, we try again"),
        ("550 5.7.1 We do not want you", "Refused by the mail server"),
    ],
)
def test_the_letters_way_is_shown_with_the_words_of_the_server(
    client: Client, office: PostOffice, reply: str, said: str
) -> None:
    office.recipients[MAILBOX] = reply
    request = asked(client)
    assert "Waiting to be sent" in page(client, request)

    queue.run("letters")

    shown = page(client, request)
    assert said in shown
    assert MAILBOX in shown
    if not reply.startswith("250"):
        assert reply[4:] in shown
    else:
        assert "queued as 4F1B2" in shown
    assert ('<details class="fold" open>' in shown) == reply.startswith("550")


def test_a_wrong_mailbox_is_changed_three_letters_at_most(client: Client) -> None:
    request = asked(client)
    work()
    first = link_in(letter_to())
    path = f"{status_path(request)}mailbox/"

    assert client.post(path, {"email": "b@shop.example"}).status_code == 302
    work()
    assert client.get(first).status_code == 404
    assert client.get(link_in(letter_to("b@shop.example"))).status_code == 200
    assert client.post(path, {"email": "nonsense"}).status_code == 422
    assert client.post(path, {"email": "c@shop.example"}).status_code == 302
    refused = client.post(path, {"email": "d@shop.example"})
    assert refused.status_code == 422
    request.refresh_from_db()
    assert (request.letters, request.email) == (3, "c@shop.example")


def test_a_letter_to_the_wrong_mailbox_that_still_waits_is_not_sent(client: Client) -> None:
    request = asked(client)
    client.post(f"{status_path(request)}mailbox/", {"email": "b@shop.example"})
    work()

    assert [message.to for message in mail.outbox] == [["b@shop.example"]]


def test_the_status_page_has_no_button_that_lifts_without_proof(client: Client) -> None:
    request = asked(client)
    for method in ("txt", "file", "mail", "letter", ""):
        client.post(f"{status_path(request)}prove/", {"method": method})

    request.refresh_from_db()
    assert request.state == State.ASKED
    assert lister_of(ADDRESS)


# -- Other proofs ------------------------------------------------------------------------------


def prove(client: Client, request: DelistRequest, method: str) -> str:
    answer: Any = client.post(f"{status_path(request)}prove/", {"method": method}, follow=True)
    request.refresh_from_db()
    text: str = answer.content.decode()
    return text


def test_a_txt_record_at_the_reverse_name_is_a_proof(client: Client, dns: Dns) -> None:
    request = asked(client)
    assert NAME in page(client, request)
    assert proofs.record(request) in page(client, request)

    dns.records[NAME, "TXT"] = ['"something else"']
    assert "no such TXT record" in prove(client, request, "txt")
    dns.broken.add(NAME)
    assert "could not look up" in prove(client, request, "txt")
    dns.broken.clear()
    dns.records[NAME, "TXT"].append(f'"{proofs.record(request)}"')
    assert "We have seen it" in prove(client, request, "txt")

    assert (request.state, request.proof) == (State.CONFIRMED, Proof.TXT)
    assert not lister_of(ADDRESS)


class Site(http.server.BaseHTTPRequestHandler):
    """A web server that says what a test tells it to."""

    answers: dict[str, tuple[int, bytes]] = {}

    def do_GET(self) -> None:
        status, body = self.answers.get(self.path, (404, b"no"))
        self.send_response(status)
        self.end_headers()
        with suppress(OSError):  # who asked has read enough
            self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Site]]:
    """A web server on a loopback address that stands for the listed one."""
    Site.answers = {}
    server = http.server.HTTPServer((HERE, 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(proofs, "PORT", server.server_address[1])
    yield Site
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, "{line}", "We have seen it"),
        (200, "hello\n{line}\n", "We have seen it"),
        (200, "x{line}", "does not hold our line"),
        (200, "A" * 1_000_000 + "{line}", "does not hold our line"),
        (302, "{line}", "answered 302"),
        (404, "", "answered 404"),
    ],
)
def test_a_file_on_the_server_is_a_proof(
    client: Client, site: type[Site], status: int, body: str, said: str
) -> None:
    request = asked(client)
    DelistRequest.objects.filter(pk=request.pk).update(prefix=f"{HERE}/32", address=HERE)
    Listing.objects.filter(pk=request.listing_id).update(prefix=f"{HERE}/32")
    request.refresh_from_db()
    text = body.replace("{line}", proofs.record(request)).encode()
    site.answers[proofs.PATH] = (status, text)

    shown = prove(client, request, "file")

    assert said in shown
    assert (request.state == State.ASKED) == ("We have seen" not in said)


def test_who_finds_no_room_is_told_to_come_again(
    client: Client, dns: Dns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SLOTS", BoundedSemaphore(1))
    monkeypatch.setattr(limits, "PATIENCE", 0.01)
    request = asked(client)
    with limits.slot():
        assert "Many are asking just now" in prove(client, request, "txt")
    assert "no such TXT record" in prove(client, request, "txt")


def test_a_server_that_is_silent_is_told_so(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = asked(client)
    DelistRequest.objects.filter(pk=request.pk).update(prefix=f"{HERE}/32", address=HERE)
    monkeypatch.setattr(proofs, "PORT", 1)
    assert "did not answer on port 1" in prove(client, request, "file")


def test_a_server_that_drips_is_left_after_a_while(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = asked(client)
    DelistRequest.objects.filter(pk=request.pk).update(prefix=f"{HERE}/32", address=HERE)
    dripped: list[int] = []

    def drip() -> None:
        peer, _address = listener.accept()
        with suppress(OSError), peer:
            peer.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
            for n in range(2000):
                peer.sendall(b"x")
                dripped.append(n)
                time.sleep(0.05)

    with socket.create_server((HERE, 0)) as listener:
        threading.Thread(target=drip, daemon=True).start()
        monkeypatch.setattr(proofs, "PORT", listener.getsockname()[1])
        monkeypatch.setattr(proofs, "SECONDS", 0.5)
        shown = prove(client, request, "file")

    assert "did not answer" in shown or "does not hold our line" in shown
    assert len(dripped) < 200


def receive(address: str, challenge: str) -> str:
    said = StringIO()
    call_command("receive-proof", address, challenge, stdout=said, stderr=said)
    return said.getvalue()


def test_a_mail_from_the_address_is_a_proof_and_lifts_nothing_by_itself(client: Client) -> None:
    request = asked(client)
    assert proofs.mailbox(request) in page(client, request)
    assert "No mail from the address has come yet" in prove(client, request, "mail")

    assert "no request" in receive("198.51.100.26", request.challenge)
    assert "no request" in receive(ADDRESS, "0" * 32)
    assert "is not an IP address" in receive("unknown", request.challenge)
    assert "noted" in receive(ADDRESS, request.challenge.upper())
    assert "noted" in receive(ADDRESS, request.challenge)
    request.refresh_from_db()
    assert request.state == State.ASKED
    assert lister_of(ADDRESS)
    assert "It has come" in page(client, request)

    prove(client, request, "mail")
    assert (request.state, request.proof) == (State.CONFIRMED, Proof.MAIL)


def test_a_64_is_proved_at_the_address_that_was_looked_up(client: Client, dns: Dns) -> None:
    make_listing("2001:db8:7::/64")
    request = asked(client, address="2001:db8:7::25")
    name = proofs.name(request)
    assert name.startswith("5.2.0.0.")
    assert proofs.url(request).startswith("http://[2001:db8:7::25]/")

    dns.records[name, "TXT"] = [f'"{proofs.record(request)}"']
    prove(client, request, "txt")

    assert request.state == State.CONFIRMED
    assert not lister_of("2001:db8:7::99")


# -- As JSON, and how much it costs ------------------------------------------------------------


def test_programs_read_the_same_and_no_mailbox(client: Client) -> None:
    make_sink("mx2")
    request = asked(client)
    work()
    client.post(link_in(letter_to()))
    work()

    answer = client.get(f"{status_path(request)}status.json")

    told = json.loads(answer.content)
    assert told["state"] == "lifted"
    assert told["address"] == ADDRESS
    assert [server["name"] for server in told["servers"]] == ["mx1", "mx2"]
    assert all(server["proved_at"] for server in told["servers"])
    assert MAILBOX not in answer.content.decode()
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert client.get("/delist/request/guessed/status.json").status_code == 404
    assert client.get("/delist/request/guessed/").status_code == 404


def test_a_server_that_quotes_our_letter_gives_nothing_away(client: Client) -> None:
    request = asked(client)
    work()
    said = f"250 thanks {MAILBOX} for http://desk.example{link_in(letter_to())}"
    Letter.objects.filter(recipient=MAILBOX).update(smtp_reply=said)
    token = link_in(letter_to()).split("/")[2]

    assert token not in page(client, request)
    told = client.get(f"{status_path(request)}status.json").content.decode()
    assert token not in told
    assert MAILBOX not in told


def test_the_page_asks_as_often_for_many_servers_as_for_one(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    request = asked(client)
    work()
    client.post(link_in(letter_to()))
    work()
    with django_assert_num_queries(3):
        page(client, request)
    for n in range(30):
        make_sink(f"other{n}")
    with django_assert_num_queries(3):
        page(client, request)
