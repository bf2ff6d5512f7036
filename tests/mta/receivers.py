"""The receiving Postfixes of docs/operate/postfix.md, one for each way to refuse."""

import shlex
from pathlib import Path

from tests.mta import blocks
from tests.mta.files import URL
from tests.mta.postfix import SMTP, Postfix


def by_dns(room: Path, address: str = "203.0.113.10") -> Postfix:
    """A receiving Postfix that asks the zone, as the page has it."""
    reply = room / "postern_reply"
    reply.write_text(blocks.block("postfix", "postern_reply", url=URL))
    return Postfix(
        "dns", room, listen=address, port=SMTP, domain="clinic.example",
        main=blocks.block("postfix", "main.cf dnsbl", reply=str(reply)),
        master=blocks.block("postfix", "master.cf dnsbl", listen=f"{address}:{SMTP} inet"),
    )  # fmt: skip


def by_table(room: Path, feeds: Path, address: str = "203.0.113.11") -> Postfix:
    """A receiving Postfix with the ``cidr:`` table, as the page has it."""
    return Postfix(
        "table", room, listen=address, port=SMTP, domain="clinic.example",
        main=blocks.block("postfix", "main.cf table", feeds=str(feeds)),
    )  # fmt: skip


def with_proofs(room: Path, handed: Path, address: str = "203.0.113.13") -> Postfix:
    """A receiving Postfix by DNS, whose mailbox for proofs listed addresses reach too.

    What it would start is noted in ``handed``, a line each: as ``daemon`` it may read no Python
    that lies in root's home.  ``proof_program`` is then run on that.
    """
    reply, proof, program = room / "reply", room / "proof", room / "noting"
    reply.write_text(blocks.block("postfix", "postern_reply", url=URL))
    proof.write_text(blocks.block("postfix", "postern_proof"))
    handed.touch()
    handed.chmod(0o666)
    program.write_text(f'#!/bin/sh\ncat >/dev/null\necho "$1 $2" >>{handed}\n')
    program.chmod(0o755)
    listing = blocks.block("postfix", "main.cf dnsbl", reply=str(reply))
    begins = "smtpd_client_restrictions =\n"
    assert begins in listing
    main = listing.replace(begins, f"{begins}    $postern_first,\n")
    own = "virtual_mailbox_domains = clinic.example, mail.example\n"
    pipe = blocks.block("postfix", "master.cf proof", program=str(program), user="user=daemon")
    return Postfix(
        "proofs", room, listen=address, port=SMTP, domain="clinic.example",
        main=main + blocks.block("postfix", "main.cf proof", proof=str(proof)) + own,
        master=blocks.block("postfix", "master.cf dnsbl", listen=f"{address}:{SMTP} inet") + pipe,
    )  # fmt: skip


def proof_program(room: Path, environ: Path) -> Path:
    """What the page has the pipe start."""
    program = room / "postern-proof"
    home = str(Path(__file__).parents[2])
    program.write_text(blocks.block("postfix", "receive", environ=str(environ), home=home))
    program.chmod(0o755)
    return program


def by_postscreen(room: Path, feeds: Path, address: str = "203.0.113.12") -> Postfix:
    """A receiving Postfix behind postscreen; it waits less for a client to talk too soon."""
    main = blocks.block("postfix", "main.cf postscreen", feeds=str(feeds))
    return Postfix(
        "postscreen", room, listen=address, port=SMTP, domain="clinic.example",
        main=f"{main}postscreen_greet_wait = 1s\n",
        master=blocks.block("postfix", "master.cf postscreen", listen=f"{address}:{SMTP} inet"),
    )  # fmt: skip


def reload(postfix: Postfix, feeds: Path) -> None:
    """What the systemd units of the page do when a table has changed."""
    for command in blocks.commands(blocks.block("postfix", "service", feeds=str(feeds))):
        postfix.run(*shlex.split(command))
