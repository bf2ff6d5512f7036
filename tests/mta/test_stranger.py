"""A stranger whose mail is refused, by real mail servers: pasted, asked, confirmed, let in."""

import random
import re
import subprocess
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from delisting import proofs
from delisting.models import DelistRequest, Proof
from escalation import queue
from listings.models import Removal, Sink
from mailroom.models import Letter
from ownership.fake_registry import FakeRegistry
from tests.jobs.test_kills import database_url
from tests.mta import receivers
from tests.mta.browser import Browser
from tests.mta.desk import Jobs, Units, Web
from tests.mta.files import URL
from tests.mta.postfix import SENDER, Postfix
from tests.mta.rbldnsd import RBLDNSD, ZONE, Rbldnsd, Unbound
from tests.mta.servers import eventually
from tests.mta.test_whole_way import OTHERS, Service, bank_to, letter_to, mail_to
from tests.tickets.factories import make_listing

pytestmark = pytest.mark.django_db(transaction=True)
MAILBOX = "postmaster@bank.example"
SAID = {
    "runs_server": "on", "found_cause": "on", "has_stopped": "on", "email": MAILBOX,
    "changed": "A stolen password sent it. It is changed, and the queue is empty.",
}  # fmt: skip


@pytest.fixture
def service(room: Path, feeds: Path, resolver: Unbound, tmp_path_factory: Any) -> Iterator[Service]:
    """Everything in earnest, and a receiving Postfix that hands mails to ``delist+…@`` over."""
    var = Path(tmp_path_factory.mktemp("var"))
    queue.sync_schedules()
    Sink.objects.create(name="names", kind="rbldnsd", server=f"127.0.0.1:{RBLDNSD}", zone=ZONE)
    environ = {
        "DATABASE_URL": database_url(), "POSTERN_DEMO": "yes", "POSTERN_VAR": str(var),
        "POSTERN_FEED_DIR": str(feeds), "POSTERN_URL": URL, "POSTERN_DNS": "127.0.0.1",
    }  # fmt: skip
    ours = {"POSTERN_DEMO": True, "POSTERN_VAR": var, "POSTERN_FEED_DIR": feeds, "POSTERN_URL": URL}
    with override_settings(**ours), FakeRegistry() as registry:
        environ["POSTERN_RDAP_BASE"] = registry.url
        kept = room / "postern.env"
        kept.write_text("".join(f"{name}='{value}'\n" for name, value in environ.items()))
        for address in OTHERS:
            make_listing(address)
        with (
            receivers.with_proofs(room, room / "handed") as receiver,
            Web(room, environ) as web,
            Jobs(room, environ) as jobs,
        ):
            assert eventually((feeds / "rbldnsd/ip6.zone").exists), jobs.last_words()
            with Rbldnsd(room, feeds) as rbldnsd:
                service = Service(web, jobs, rbldnsd, Units(receiver, feeds))
                service.until(lambda: receiver.offer().code != 451, "answers")
                yield service


def ask(service: Service, receiver: Postfix, bank: Postfix, stranger: Browser) -> str:
    """From the refused mail by the paste on the front page to the status page's path."""
    make_listing(SENDER)
    service.until(lambda: receiver.offer().code == 550, "refused")
    had = len(bank.box())
    bank.submit(mail_to("dana@clinic.example"))
    service.until(lambda: len(bank.box()) > had, "bounced")
    bounce = max(bank.box(), key=lambda mail: mail["Date"].datetime)

    answer = stranger.post(
        "/diagnosis/", {**stranger.get("/").form("bounce"), "bounce": bounce.as_string()}
    )
    assert "is on our blocklist" in answer.text
    assert "dana@clinic.example" in answer.text
    look_up = re.search(r'href="(/delist/\?address=[^"]+)"', answer.text)
    assert look_up is not None
    page = stranger.get(look_up[1])
    status = stranger.post("/delist/ask/", {**page.form("changed"), **SAID})
    assert "/delist/request/" in status.path, status.text
    return status.path


def test_from_a_refused_mail_to_its_delivery_without_anybodys_help(
    service: Service, room: Path, tell: Any
) -> None:
    receiver = service.units.postfix
    stranger = Browser(service.tick)
    with bank_to(receiver, room) as bank:
        status = ask(service, receiver, bank, stranger)
        link = service.until(lambda: letter_to(MAILBOX, "delist"), "the letter")
        page = stranger.get(link)
        assert "Opening this page changed nothing" in page.text
        assert receiver.offer().code == 550
        begun = time.monotonic()
        stranger.post(link, page.form("csrfmiddlewaretoken"))
        service.until(lambda: receiver.offer().accepted, "accepted")
        seconds = time.monotonic() - begun
        service.until(lambda: "Your address is let in" in stranger.get(status).text, "said")
        assert "names" in stranger.get(status).text

        bank.submit(mail_to("dana@clinic.example"))
        service.until(lambda: receiver.box(), "delivered")
    tell(f"by the portal: {seconds:.1f} s from the button to the first accepted RCPT")


def test_a_mail_from_the_listed_address_proves_it_and_the_button_lifts(
    service: Service, room: Path
) -> None:
    receiver = service.units.postfix
    stranger = Browser(service.tick)
    with bank_to(receiver, room) as bank:
        status = ask(service, receiver, bank, stranger)
        request = DelistRequest.objects.get()
        assert receiver.offer(recipient="delist+nonsense@mail.example").code == 550

        proof = EmailMessage()
        proof["From"], proof["To"] = "root@bank.example", proofs.mailbox(request)
        proof.set_content("any words")
        bank.submit(proof)

        handed = room / "handed"
        assert eventually(lambda: bool(handed.read_text()), 30), receiver.last_words()
        client, challenge = handed.read_text().split()
        assert client == SENDER
        program = receivers.proof_program(room, room / "postern.env")
        subprocess.run([program, client, challenge], check=True)
        request.refresh_from_db()
        assert request.proof == Proof.MAIL
        assert receiver.offer().code == 550  # it lifts nothing by itself
        form = stranger.get(status).form("method")
        page = stranger.post(f"{status}prove/", {**form, "method": "mail"})
        assert "We have seen it" in page.text
        service.until(lambda: receiver.offer().accepted, "accepted")


@pytest.mark.kill
def test_killing_all_of_it_at_random_lets_in_once(service: Service, room: Path, tell: Any) -> None:
    """From the letter to the last proof everything may die, and is done once."""
    receiver = service.units.postfix
    stranger = Browser(service.tick)
    with bank_to(receiver, room) as bank:
        status = ask(service, receiver, bank, stranger)
        service.chance, service.kills_a_step = random.Random(4), 2
        link = service.until(lambda: letter_to(MAILBOX, "delist"), "the letter")
        page = stranger.get(link)
        service.strike()
        stranger.post(link, page.form("csrfmiddlewaretoken"))
        service.strike()
        service.until(lambda: receiver.offer().accepted, "accepted")
        service.until(lambda: "Your address is let in" in stranger.get(status).text, "said")

    tell(f"killed: {', '.join(service.kills)}")
    request = DelistRequest.objects.get()
    events = list(request.entries.values_list("event", flat=True))
    assert events == ["confirm", "take_off", "lift"]
    assert Removal.objects.filter(key=f"delist:{request.pk}").count() == 1
    letters = list(Letter.objects.filter(recipient=MAILBOX).values_list("kind", flat=True))
    assert sorted(letters) == ["delist-confirm", "delist-outcome"]
