"""From a refusal by a real mail server to the delivery of the same mail, with all that is between.

Real: two Postfixes, rbldnsd, unbound, gunicorn, runjobs, the database.  Made up: the registry.
"""

import random
import re
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone

from customers.models import Tenant, User
from escalation import queue
from listings.models import Publication, Receipt, Sink
from mailroom import mailbox
from mailroom.models import Letter
from ownership.fake_registry import FakeRegistry
from tests.jobs.test_kills import database_url
from tests.mta import receivers
from tests.mta.browser import Browser, Fields, Page
from tests.mta.desk import Jobs, Units, Web, kill_a_child
from tests.mta.files import URL
from tests.mta.postfix import SENDER, SUBMISSION, Postfix
from tests.mta.rbldnsd import RBLDNSD, ZONE, Rbldnsd, Unbound
from tests.mta.servers import eventually
from tests.tickets.factories import make_listing, make_proof, make_ticket
from tickets.lifecycle import Event, State
from tickets.models import Case

pytestmark = pytest.mark.django_db(transaction=True)
OWNER = "hostmaster@carrier.example"
NETWORK = "198.51.100.0/24"
ROUNDS = 20
KILLS_A_STEP = 2
SEEDS = [25]
OTHERS = [f"203.0.113.{n}" for n in range(128, 200)]  # so that no removal is a sharp shrink
Tell = Callable[[str], None]
PATIENCE = 60.0  # seconds for any one step


@dataclass
class Service:
    """All that runs; ``until`` waits for one thing while the machines do the rest."""

    web: Web
    jobs: Jobs
    rbldnsd: Rbldnsd
    units: Units
    kills: list[str] = field(default_factory=list)
    kills_a_step: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(0))

    def until(self, ask: Callable[[], Any], what: str) -> Any:
        end, kills = time.monotonic() + PATIENCE, self.kills_a_step
        if kills and self.chance.random() < 0.7:
            self.strike()
            kills -= 1
        while not (found := ask()):
            assert time.monotonic() < end, f"never: {what}\n{self.last_words()}"
            self.tick()
            if kills and self.chance.random() < 0.5:
                self.strike()
                kills -= 1
            time.sleep(0.1)
        return found

    def tick(self) -> None:
        self.units.look()

    def strike(self) -> None:
        """Kill something, and start it again where nobody else does."""
        chance = self.chance
        victim = chance.choice([self.web, self.jobs, self.rbldnsd])
        if victim is not self.rbldnsd and chance.random() < 0.5:
            kill_a_child(victim)
            self.kills.append(f"a child of {victim.name}")
            return
        self.kills.append(victim.name)
        victim.kill()
        time.sleep(chance.random())
        victim.start()

    def last_words(self) -> str:
        """What stands still, and what the processes have said."""
        lines = [f"killed: {', '.join(self.kills)}", f"now: {timezone.now()}"]
        rows = (Publication, Receipt, Case)
        lines += [str(row.__dict__) for model in rows for row in model.objects.order_by("-pk")[:4]]
        lines += [f"{sink}: {sink.trouble} {sink.pk}" for sink in Sink.objects.all()]
        lines += [f"{kind} seen {queue.sweep_seen(kind)}" for kind in ("publications", "cases")]
        lines += [f"{queue.waiting()} messages wait"]
        return "\n".join(
            [*lines, *(one.last_words() for one in (self.web, self.jobs, self.rbldnsd))]
        )


@pytest.fixture(scope="module")
def dns(room: Path, resolver: Unbound) -> Iterator[Postfix]:
    with receivers.by_dns(room) as server:
        yield server


@pytest.fixture(scope="module")
def table(room: Path, feeds: Path) -> Iterator[Postfix]:
    with receivers.by_table(room, feeds) as server:
        yield server


@pytest.fixture
def service(
    room: Path, feeds: Path, dns: Postfix, table: Postfix, tmp_path_factory: Any, clinic: Tenant
) -> Iterator[Service]:
    var = Path(tmp_path_factory.mktemp("var"))
    queue.sync_schedules()
    Sink.objects.create(name="names", kind="rbldnsd", server=f"127.0.0.1:{RBLDNSD}", zone=ZONE)
    Sink.objects.create(name="tables", kind="postfix", server=f"{table.listen}:{table.port}")
    environ = {
        "DATABASE_URL": database_url(), "POSTERN_DEMO": "yes", "POSTERN_VAR": str(var),
        "POSTERN_FEED_DIR": str(feeds), "POSTERN_URL": URL, "POSTERN_DNS": "127.0.0.1",
    }  # fmt: skip
    ours = {
        "POSTERN_DEMO": True, "POSTERN_VAR": var, "POSTERN_FEED_DIR": feeds, "POSTERN_URL": URL,
    }  # fmt: skip
    with override_settings(**ours), FakeRegistry() as registry:
        for address in OTHERS:
            make_listing(address)
        environ["POSTERN_RDAP_BASE"] = registry.url
        with Web(room, environ) as web, Jobs(room, environ) as jobs:
            assert eventually((feeds / "rbldnsd/ip6.zone").exists), jobs.last_words()
            with Rbldnsd(room, feeds) as rbldnsd:
                yield Service(web, jobs, rbldnsd, Units(table, feeds))


def mail_to(recipient: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "accounts@bank.example", recipient
    message["Subject"] = "Your statement"
    message["Message-ID"] = "<statement-25@bank.example>"
    message.set_content("It is attached.")
    return message


def delivered(postfix: Postfix) -> int:
    return [mail["Message-ID"] for mail in postfix.box()].count("<statement-25@bank.example>")


def letter_to(recipient: str, path: str) -> str:
    """The link in the newest letter to somebody, "" if there is none."""
    for name in mailbox.names():
        letter = mailbox.read(name)
        found = re.findall(rf"{URL}(/{path}/[\w-]+/)", letter.text)
        if letter.recipient == recipient and found:
            return str(found[0])
    return ""


# -- What the parties do ---------------------------------------------------------------------


def open_ticket(dana: Browser, bounce: str, address: str) -> None:
    """Paste the bounce as it came, look at what was read, and send it off."""
    form = dana.get("/tickets/new/").form("read-bounce")
    page = dana.post("/tickets/new/", {**form, "read-bounce": bounce, "read": "1"})
    form = page.form("prefix")
    assert form["prefix"] == address
    assert form["recipient"] == "dana@clinic.example"
    assert form["sender_email"] == "accounts@bank.example"
    assert "5.7.606" in str(form["smtp_reply"])
    page = dana.post("/tickets/new/", form)
    assert re.fullmatch(r"/tickets/\d+/", page.path), (page.status, page.text)


def confirm(owner: Browser, link: str, address: str) -> None:
    form = owner.get(link).form("acts_for")
    chosen: Fields = {
        "answer": "confirm",
        "prefixes": [f"{address}/32"],
        "name": "Robin",
        "acts_for": "on",
    }
    page = owner.post("/answer/", {**form, **chosen})
    assert page.status == 200, page.text


def approve(minji: Browser, case: Case) -> Page:
    form = minji.get(f"/desk/tickets/case/{case.pk}/change/").form("seen")
    page = minji.post(f"/desk/tickets/case/{case.pk}/step/", {**form, "event": "approve"})
    assert page.status == 200, page.text
    return page


def state_of(case: Case) -> str:
    case.refresh_from_db()
    return str(case.state)


def case_of(address: str) -> Case | None:
    return Case.objects.filter(prefix=f"{address}/32").first()


# -- The tests -------------------------------------------------------------------------------------


def play(service: Service, receiver: Postfix, bank: Postfix, dana: User, minji: User) -> float:
    """All the way once; the seconds from the approval to the first RCPT that is accepted."""
    customer, agent, owner = (Browser(service.tick) for _ in range(3))
    customer.sign_in(dana), agent.sign_in(minji)
    make_listing(SENDER)
    service.until(lambda: receiver.offer().code == 550, "refused")
    before = delivered(receiver)
    had = len(bank.box())
    bank.submit(mail_to("dana@clinic.example"))
    service.until(lambda: len(bank.box()) > had, "bounced")
    bounce = max(bank.box(), key=lambda mail: mail["Date"].datetime)

    open_ticket(customer, bounce.as_string(), SENDER)
    link = service.until(lambda: letter_to(OWNER, "answer"), "a letter to the owner")
    confirm(owner, link, SENDER)
    case = case_of(SENDER)
    assert case is not None
    service.until(lambda: state_of(case) == State.IN_REVIEW, "in review")
    begun = time.monotonic()
    approve(agent, case)
    service.until(lambda: receiver.offer().accepted, "accepted")
    seconds = time.monotonic() - begun
    service.until(lambda: state_of(case) == State.DELISTED, "off the list")
    service.until(lambda: receiver.offer().accepted, "accepted for good")

    bank.submit(mail_to("dana@clinic.example"))
    service.until(lambda: delivered(receiver) > before, "delivered")
    assert delivered(receiver) == before + 1
    return seconds


def bank_to(receiver: Postfix, room: Path) -> Postfix:
    """The sender's Postfix, at the listed address."""
    return Postfix(
        f"bank-{receiver.name}", room, listen="127.0.0.1", port=SUBMISSION, domain="bank.example",
        main=f"relayhost = [{receiver.listen}]:{receiver.port}\nsmtp_bind_address = {SENDER}\n",
    )  # fmt: skip


@pytest.mark.parametrize("how", ["dns", "table"])
def test_from_the_refusal_to_the_delivery_of_the_same_mail(
    how: str, service: Service, room: Path, dns: Postfix, table: Postfix, dana: User, minji: User,
    tell: Tell,
) -> None:  # fmt: skip
    receiver = {"dns": dns, "table": table}[how]
    with bank_to(receiver, room) as bank:
        seconds = play(service, receiver, bank, dana, minji)
    tell(f"by {how}: {seconds:.1f} s from the approval to the first accepted RCPT")


def test_a_removal_reaches_both_mail_servers_within_seconds(
    service: Service, dns: Postfix, table: Postfix, clinic: Tenant, minji: User, tell: Tell
) -> None:
    addresses = [f"198.51.100.{n}" for n in range(31, 31 + ROUNDS)]
    make_proof(NETWORK)
    cases = {address: make_ticket(clinic, address).case for address in addresses}
    for address, case in cases.items():
        service.until(lambda: state_of(case) == State.IN_REVIEW, "in review")  # noqa: B023
        for receiver in (dns, table):
            service.until(lambda: receiver.offer(address).code == 550, "refused")  # noqa: B023
    agent = Browser().sign_in(minji)

    took: dict[str, list[float]] = {"dns": [], "table": []}
    for address, case in cases.items():
        begun = time.monotonic()
        approve(agent, case)
        waiting = {"dns": dns, "table": table}
        while waiting:
            for how in [how for how, one in waiting.items() if one.offer(address).accepted]:
                took[how].append(time.monotonic() - begun)
                del waiting[how]
            assert time.monotonic() - begun < PATIENCE, service.last_words()
            service.tick()
            time.sleep(0.05)

    for how, seconds in took.items():
        each = " ".join(f"{one:.1f}" for one in seconds)
        p95 = statistics.quantiles(seconds, n=20, method="inclusive")[-1]
        tell(f"by {how}, seconds from the approval to the first accepted RCPT: {each}")
        tell(f"by {how}: median {statistics.median(seconds):.1f} s, p95 {p95:.1f} s")


@pytest.mark.kill
@pytest.mark.parametrize("seed", SEEDS)
def test_killing_all_of_it_at_random_ends_delivered_once(
    seed: int, service: Service, room: Path, dns: Postfix, dana: User, minji: User, tell: Tell
) -> None:
    service.chance, service.kills_a_step = random.Random(seed), KILLS_A_STEP
    with bank_to(dns, room) as bank:
        play(service, dns, bank, dana, minji)

    tell(f"killed, seed {seed}: {', '.join(service.kills)}")
    assert len(service.kills) >= KILLS_A_STEP
    case = case_of(SENDER)
    assert case is not None
    assert [entry.event for entry in case.entries.all()].count(Event.APPROVE) == 1
    assert case.tickets.count() == 1
    keys = [(letter.kind, letter.recipient, letter.subject) for letter in Letter.objects.all()]
    assert len(keys) == len(set(keys)), "a letter was written twice"
