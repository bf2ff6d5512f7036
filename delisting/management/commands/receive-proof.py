"""Called by the mail server for a mail to ``delist+CHALLENGE@``: who sent it, and to which.

The mail itself is not read.  See docs/operate/postfix.md.
"""

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from delisting import actions
from escalation import prefixes
from escalation.errors import Refused

TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h: the mail server keeps the mail and asks later


class Command(BaseCommand):
    help = "Note that a mail has come from an address that asks to be let in."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("address", help="the client's address, as the mail server saw it")
        parser.add_argument("challenge", help="what stands behind the + of the recipient")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            client = prefixes.parse_address(options["address"])
        except Refused as refusal:
            self.stderr.write(refusal.message)
            return
        try:
            known = actions.seen_mail(client, options["challenge"][:32])
        except DatabaseError as error:
            self.stderr.write(f"not noted yet: {error}")
            sys.exit(TRY_AGAIN)
        self.stdout.write("noted" if known else "no request is waiting for this")
