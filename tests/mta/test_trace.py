"""What docs/operate/trace.md says of our mark, held against rspamd and Postfix."""

import base64
import os
import pwd
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from abuse import trace
from abuse.signatures import signatures, verify
from tests.mta import blocks
from tests.mta.postfix import Postfix
from tests.mta.rspamd import LOCAL, SCANNER
from tests.mta.servers import Server, eventually

KEY = "0f" * 32
MILTER = 11332
RECEIVER = "203.0.113.5"
DKIM = "/var/lib/rspamd/dkim/mail.example.trace.key"
CLINIC, SCHOOL = 12, 13


class Marker(Server):
    """rspamd with Debian's own configuration and the files of the page, as a milter."""

    def __init__(self, room: Path) -> None:
        room = Path(tempfile.mkdtemp(dir=room, prefix="marker-"))
        room.chmod(0o755)
        etc, kept = room / "etc", room / "kept"
        shutil.copytree("/etc/rspamd", etc, ignore=shutil.ignore_patterns("local.d"))
        (etc / "local.d").mkdir()
        for name, text in LOCAL.items():
            (etc / "local.d" / name).write_text(text)
        # Of Debian's modules only what marks and signs: the others would ask the world.
        options = LOCAL["options.inc"].replace('filters = "";', 'filters = "dkim";')
        (etc / "local.d/options.inc").write_text(options)
        (etc / "local.d/worker-proxy.inc").write_text("count = 1;\n")
        for name in ("rbl", "asn", "once_received", "hfilter", "spf", "dmarc", "mx_check"):
            (etc / "local.d" / f"{name}.conf").write_text("enabled = false;\n")
        lua, tenants = etc / "rspamd.local.lua", etc / "postern-tenants.map"
        lua.write_text(blocks.block("trace", "rspamd.local.lua"))
        tenants.write_text(blocks.block("trace", "postern-tenants.map"))
        assert "trace-key" in blocks.block("trace", "key")
        (etc / "postern.key").write_text(f"{KEY}\n")
        (kept / "dkim").mkdir(parents=True)
        self.dkim = kept / "dkim" / Path(DKIM).name
        subprocess.run(self._keygen(), check=True, stdout=subprocess.DEVNULL)
        user = pwd.getpwnam("_rspamd")
        for path in (kept, self.dkim):
            os.chown(path, user.pw_uid, user.pw_gid)
        (room / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        super().__init__(
            "rspamd",
            ["rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd", "-p", str(kept / "pid")],
            room=room,
            over={
                "/etc/rspamd": etc,
                "/var/lib/rspamd": kept,
                "/etc/resolv.conf": room / "resolv.conf",
            },
        )

    def _keygen(self) -> list[str]:
        """The command of the page, with our place for the key."""
        words = blocks.block("trace", "dkim").split()
        assert words[-1] == DKIM
        return [*words[:-1], str(self.dkim)]

    def answers(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{SCANNER}/ping", timeout=2).close()
        except OSError:
            return False
        return True

    def record(self) -> str:
        """What the DNS would say of its key."""
        command = ["openssl", "rsa", "-in", str(self.dkim), "-pubout", "-outform", "DER"]
        octets = subprocess.run(command, check=True, capture_output=True).stdout
        return f"v=DKIM1; k=rsa; p={base64.b64encode(octets).decode()}"


@pytest.fixture(scope="module")
def marker(room: Path) -> Iterator[Marker]:
    with Marker(room) as server:
        yield server


def postfix(room: Path, name: str, master: str) -> Postfix:
    """One that delivers to its own mailbox, behind the wiring of the page."""
    return Postfix(name, room, listen=RECEIVER, port=587, domain="far.example", master=master)


@pytest.fixture(scope="module")
def submission(room: Path, marker: Marker) -> Iterator[Postfix]:
    """Whoever connects has logged in as "sam", as far as the milter hears."""
    block = blocks.block("trace", "master.cf trace")
    assert block.startswith("submission inet")
    master = block.replace("submission inet", f"{RECEIVER}:587 inet")
    login = "    -o milter_macro_defaults={auth_authen}=sam\n"
    with postfix(room, "submission", master + login) as server:
        yield server


@pytest.fixture(scope="module")
def anonymous(room: Path, marker: Marker) -> Iterator[Postfix]:
    """The same, for somebody who has not logged in."""
    master = blocks.block("trace", "master.cf trace").replace(
        "submission inet", "203.0.113.6:587 inet"
    )
    with Postfix(
        "anonymous", room, listen="203.0.113.6", port=587, domain="far.example", master=master
    ) as server:
        yield server


def through(server: Postfix, message: EmailMessage, sender: str) -> tuple[bytes, EmailMessage]:
    """The message as it reaches the mailbox behind the server: its octets, and taken apart."""
    subject = f"{message['Subject']} {time.monotonic_ns()}"
    message.replace_header("Subject", subject)
    message["From"], message["To"] = sender, "dana@far.example"
    message["Date"] = "Thu, 26 Nov 2026 09:00:00 +0000"
    message.set_content("Hi.\n")
    server.submit(message)
    found = eventually(lambda: [mail for mail in server.box() if mail["Subject"] == subject])
    assert found, server.last_words()
    raws = [path.read_bytes() for path in (server.room / "box/new").glob("*")]
    return next(raw for raw in raws if subject.encode() in raw), found[0]


def marks(mail: EmailMessage) -> list[str]:
    return [str(value) for value in mail.get_all(trace.HEADER, [])]


def a_message(message_id: str = "", mark: str = "") -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "News"
    if message_id:
        message["Message-ID"] = message_id
    if mark:
        message[trace.HEADER] = mark
    return message


@pytest.mark.parametrize(
    ("sender", "tenant"), [("news@clinic.example", CLINIC), ("News <a@SCHOOL.example>", SCHOOL)]
)
def test_mail_of_a_customer_gets_a_mark_that_holds_for_it_alone(
    submission: Postfix, sender: str, tenant: int
) -> None:
    _raw, mail = through(submission, a_message("<one@clinic.example>"), sender)
    [value] = marks(mail)
    found = trace.check(KEY, value, "one@clinic.example")
    assert found is not None
    assert found.tenant_id == tenant
    assert abs(found.at.timestamp() - time.time()) < 60
    assert trace.check(KEY, value, "two@clinic.example") is None


def test_the_second_signature_outlives_what_reports_black_out(
    submission: Postfix, marker: Marker
) -> None:
    raw, _mail = through(submission, a_message("<two@clinic.example>"), "news@clinic.example")
    [found] = signatures(raw)
    assert (found.domain, found.selector) == ("mail.example", "trace")
    assert found.signed == ("from", "from", "date", "date", "message-id", "message-id")
    assert verify(raw, found, marker.record()) == "A1"
    redacted = raw.replace(b"dana@far.example", b"redacted").partition(b"\n\n")[0]
    assert verify(redacted, found, marker.record()) == "A2"
    other = raw.replace(b"<two@clinic.example>", b"<too@clinic.example>")
    assert other != raw
    assert verify(other, found, marker.record()) == ""


def test_a_mark_that_a_customer_made_up_is_taken_off(submission: Postfix) -> None:
    forged = trace.make("00" * 32, SCHOOL, "three@clinic.example", datetime.now(UTC))
    message = a_message("<three@clinic.example>", forged)
    _raw, mail = through(submission, message, "news@clinic.example")
    [value] = marks(mail)
    found = trace.check(KEY, value, "three@clinic.example")
    assert found is not None
    assert found.tenant_id == CLINIC


def test_a_message_without_an_id_is_marked_for_the_one_that_postfix_gives_it(
    submission: Postfix,
) -> None:
    _raw, mail = through(submission, a_message(), "news@clinic.example")
    [value] = marks(mail)
    assert trace.check(KEY, value, str(mail["Message-ID"])) is not None


@pytest.mark.parametrize(
    ("message_id", "sender"),
    [("<four@x.example>", "a@elsewhere.example"), ("<no id>", "news@clinic.example")],
)
def test_mail_that_is_nobodys_or_has_no_id_goes_out_unmarked(
    submission: Postfix, message_id: str, sender: str
) -> None:
    raw, mail = through(submission, a_message(message_id), sender)
    assert marks(mail) == []
    assert signatures(raw) == []


def test_who_has_not_logged_in_gets_no_mark(anonymous: Postfix) -> None:
    _raw, mail = through(anonymous, a_message("<five@clinic.example>"), "news@clinic.example")
    assert marks(mail) == []
