"""Prove what Postfix goes by: its own words over SMTP, or its own search in the table."""

import re
import shutil
import smtplib
import subprocess
from pathlib import Path

from django.conf import settings

from escalation.errors import TryAgainLater
from listings.models import Publication, Sink
from listings.sinks import Expected, endpoints, fetched, files
from listings.sinks.postfix.writer import ACCESS, CANARY, FILES, STATUS

SMTP = 25
TIMEOUT = 8.0  # seconds for one command of the conversation, or one run of postmap
POSTMAP = ("/usr/sbin", "/usr/bin", "/usr/local/sbin")
NEVER = "127.0.0.1"


def read_back(sink: Sink, publication: Publication, expected: Expected) -> str:
    """The tables on disk, then one of: the request log, a conversation, ``postmap -q``.

    A sink with a token fetches its table.  One with a server is asked over
    SMTP from 127.0.0.2, whom every table refuses with the serial in the words.
    """
    for name in FILES.values():
        files.check(name, publication)
    if proof := fetched.prove(sink, publication):
        return proof
    table = Path(sink.path) if sink.path else files.path_of(ACCESS)
    if sink.path:
        files.check(sink.path, publication, table)
    verdicts = _postmap(table, [CANARY, NEVER, *(str(address) for address, _refused in expected)])
    if CANARY not in verdicts or NEVER in verdicts:
        raise TryAgainLater(f"{table.name} lacks the test entry, or refuses everybody")
    for address, refused in expected:
        if (verdicts.get(str(address), "").startswith(STATUS)) != refused:
            verb = "is not refused yet" if refused else "is still refused"
            raise TryAgainLater(f"{address} {verb} by {table.name}")
    if sink.server:
        return _converse(sink, publication)
    return f"{table.name}: serial {publication.serial}, {len(expected)} changed addresses looked up"


def _postmap(table: Path, addresses: list[str]) -> dict[str, str]:
    """What the table says of each address that it knows, by Postfix's own program."""
    program = shutil.which("postmap", path=":".join(POSTMAP))
    if program is None:
        raise TryAgainLater("postmap is not installed here: give the sink a token to fetch with")
    try:
        done = subprocess.run(
            [program, "-q", "-", f"cidr:{table}"],
            input="".join(f"{address}\n" for address in addresses),
            capture_output=True, text=True, timeout=TIMEOUT, check=False, cwd=settings.POSTERN_VAR,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise TryAgainLater(f"postmap took more than {TIMEOUT:.0f} seconds") from error
    if "warning" in done.stderr or "fatal" in done.stderr:
        raise TryAgainLater(f"postmap says: {done.stderr.strip()[:200]}")
    pairs = (line.partition("\t") for line in done.stdout.splitlines())
    return {key: value.strip() for key, _tab, value in pairs}


def _converse(sink: Sink, publication: Publication) -> str:
    """Be refused by the server itself, in words that name the serial."""
    host, port = endpoints.parse(sink.server, SMTP)
    try:
        with smtplib.SMTP(
            host, port, "postern.invalid", TIMEOUT, source_address=(CANARY, 0)
        ) as talk:
            talk.ehlo()
            code, words = talk.mail("")
            if code == 250:
                code, words = talk.rcpt(settings.POSTERN_POSTMASTER)
    except smtplib.SMTPResponseException as refusal:
        code, said = refusal.smtp_code, refusal.smtp_error
        words = said if isinstance(said, bytes) else said.encode()
    except (OSError, smtplib.SMTPException) as error:
        raise TryAgainLater(f"{sink.server} does not answer over SMTP: {error}") from error
    text = words.decode("ascii", "replace")
    if code < 500 or not re.search(rf"Test entry, serial {publication.serial}\b", text):
        raise TryAgainLater(f"{sink.server} answers the test entry with {code} {text[:150]}")
    return f"{sink.server} refuses the test entry: {code} {text[:150]}"
