"""Say the key of our mark on outbound mail: ``manage.py trace-key``."""

from typing import Any

from django.core.management.base import BaseCommand

from abuse.trace import HEADER
from abuse.tracing import trace_key


class Command(BaseCommand):
    help = (
        "Print the key that mail servers mark outbound mail with, in hex, and on standard error "
        "what it is for. It follows from SECRET_KEY: a new one makes a new key."
    )

    def handle(self, **options: Any) -> None:
        self.stdout.write(trace_key())
        self.stderr.write(
            f"Mail servers need this key to put {HEADER} on mail that your customers send: see "
            "docs/operate/trace.md. Keep it secret: whoever has it can pin mail on any tenant."
        )
