"""Postfix, several of them: each with folders of its own, and a mailbox that keeps what comes."""

import os
import pwd
import smtplib
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from tests.mta.servers import Server, eventually

SENDER, HELO = "198.51.100.25", "mail.bank.example"
RESOLV = "nameserver 127.0.0.1\noptions timeout:2 attempts:1\n"
SMTP = 25
ACCEPTED = 250
SUBMISSION = 587
MAIN = """\
compatibility_level = 3.6
queue_directory = {room}/queue
data_directory = {room}/data
maillog_file = {room}/mail.log
maillog_file_prefixes = {room}
myhostname = {host}
mydestination =
local_recipient_maps =
alias_maps =
inet_protocols = all
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {room}
virtual_mailbox_maps = static:box/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtp_dns_support_level = disabled
smtp_tls_security_level = none
smtpd_tls_security_level = none
"""
MASTER = """\
cleanup   unix  n  -  n  -  0  cleanup
qmgr      unix  n  -  n  300 1  qmgr
rewrite   unix  -  -  n  -  -  trivial-rewrite
bounce    unix  -  -  n  -  0  bounce
defer     unix  -  -  n  -  0  bounce
trace     unix  -  -  n  -  0  bounce
flush     unix  n  -  n  1000? 0  flush
proxymap  unix  -  -  n  -  -  proxymap
smtp      unix  -  -  n  -  -  smtp
relay     unix  -  -  n  -  -  smtp
error     unix  -  -  n  -  -  error
retry     unix  -  -  n  -  -  error
virtual   unix  -  n  n  -  -  virtual
anvil     unix  -  -  n  -  1  anvil
postlog   unix-dgram n - n  -  1  postlogd
"""
QUEUES = (
    "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop",
    "private", "public", "saved", "trace",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server says to RCPT, or whatever it said instead."""

    code: int
    text: str

    @property
    def accepted(self) -> bool:
        return self.code == ACCEPTED


def _make_queues(room: Path) -> None:
    """The folders that ``postfix check`` would make, without its two seconds."""
    postfix = pwd.getpwnam("postfix").pw_uid
    os.chown(room / "data", postfix, -1)
    for name in QUEUES:
        (room / "queue" / name).mkdir(mode=0o700)
        os.chown(room / "queue" / name, postfix, -1)
    (room / "queue/pid").mkdir()


class Postfix(Server):
    """An instance that listens on ``listen`` and keeps mail to ``domain`` in a Maildir."""

    def __init__(
        self, name: str, room: Path, *, listen: str, port: int, domain: str, main: str = "",
        master: str = "",
    ) -> None:  # fmt: skip
        self.listen, self.port = listen, port
        room = Path(tempfile.mkdtemp(dir=room, prefix=f"{name}-"))
        room.chmod(0o755)
        nobody = pwd.getpwnam("nobody")
        for folder in ("config", "queue", "data", "box"):
            (room / folder).mkdir(parents=True)
        _make_queues(room)
        os.chown(room / "box", nobody.pw_uid, nobody.pw_gid)
        settings = MAIN.format(
            room=room, host=f"{name}.{domain}", domain=domain,
            uid=nobody.pw_uid, gid=nobody.pw_gid,
        )  # fmt: skip
        (room / "config/main.cf").write_text(f"{settings}{main}")
        at = f"{listen}:{port}"
        own = master or f"{at} inet n - n - - smtpd\n"
        (room / "config/master.cf").write_text(f"{own}{MASTER}")
        (room / "resolv.conf").write_text(RESOLV)
        self.resolv = {"/etc/resolv.conf": room / "resolv.conf"}
        super().__init__(
            name,
            ["/usr/lib/postfix/sbin/master", "-c", str(room / "config"), "-s"],
            room=room,
            over=self.resolv,
            environ={"MAIL_CONFIG": str(room / "config")},
        )

    def answers(self) -> bool:
        try:
            smtplib.SMTP(self.listen, self.port, HELO, timeout=10).quit()
        except (OSError, smtplib.SMTPException):
            return False
        return True

    def last_words(self) -> str:
        log = self.room / "mail.log"
        return super().last_words() + (log.read_text() if log.exists() else "")[-3000:]

    def run(self, *words: str) -> str:
        """A command of this instance, such as ``postfix reload``; what it prints."""
        done = subprocess.run(
            list(words), env=self.environ, check=True, text=True, capture_output=True
        )
        return done.stdout

    # -- As a client sees it ---------------------------------------------------------

    @contextmanager
    def session(self, source: str) -> Iterator[smtplib.SMTP]:
        with smtplib.SMTP(
            self.listen, self.port, HELO, timeout=20, source_address=(source, 0)
        ) as client:
            client.ehlo()
            yield client

    def offer(self, source: str = SENDER, recipient: str = "dana@clinic.example") -> Reply:
        """Begin to send from an address; nothing is sent."""
        try:
            with self.session(source) as client:
                client.mail("accounts@bank.example")
                code, said = client.rcpt(recipient)
                return Reply(code, said.decode())
        except smtplib.SMTPResponseException as error:
            words = error.smtp_error
            return Reply(error.smtp_code, words if isinstance(words, str) else words.decode())
        except OSError as error:
            return Reply(0, str(error))

    def comes_to_say(self, code: int, source: str = SENDER) -> Reply | None:
        """The answer with that code if it comes soon: another process may know less, or more."""

        def wanted() -> Reply | None:
            reply = self.offer(source)
            return reply if reply.code == code else None

        return eventually(wanted, 5)

    def submit(self, message: EmailMessage) -> None:
        with smtplib.SMTP(self.listen, self.port, HELO, timeout=20) as client:
            client.send_message(message)

    def box(self) -> list[EmailMessage]:
        """Every mail that was delivered here."""
        octets = [path.read_bytes() for path in (self.room / "box/new").glob("*")]
        return [message_from_bytes(each, EmailMessage, policy=default) for each in octets]
