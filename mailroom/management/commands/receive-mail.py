"""Called by the mail server with a mail on standard input, where no LMTP is wanted.

The exit codes are those of sysexits.h, which mail servers know: 0 means that the mail is kept.
See docs/operate/receive.md.
"""

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error

from mailroom.models import Channel
from mailroom.receiving import MAX_BYTES, TooLarge, purpose_of, store

TOO_LARGE = 65  # EX_DATAERR: comes back to its sender
NOT_OURS = 67  # EX_NOUSER: comes back to its sender
TRY_AGAIN = 75  # EX_TEMPFAIL: the mail server keeps the mail and asks later


class Command(BaseCommand):
    help = "Keeps the mail on standard input, to be read later."
    requires_system_checks = []  # a mail is waiting; runjobs makes them

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("sender", help="the envelope's sender; empty for a bounce")
        parser.add_argument("recipient", help="the envelope's recipient")

    def handle(self, *, sender: str, recipient: str, **options: Any) -> None:
        purpose = purpose_of(recipient)
        if purpose is None:
            self.stderr.write("only junk@, not_junk@ and our own bounces are read here")
            sys.exit(NOT_OURS)
        raw = sys.stdin.buffer.read(MAX_BYTES + 1)
        try:
            _row, is_new = store(
                raw, purpose=purpose, channel=Channel.PIPE, mail_from=sender, recipient=recipient
            )
        except TooLarge as refusal:
            self.stderr.write(refusal.message)
            sys.exit(TOO_LARGE)
        except Error as error:
            self.stderr.write(f"not kept yet: {error}")
            sys.exit(TRY_AGAIN)
        self.stdout.write("kept" if is_new else "kept before")
