"""Take mail by LMTP or SMTP until SIGTERM: ``manage.py receive``.  See docs/operate/receive.md."""

import argparse
import socket
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from mailroom.service import Place, Service


class Command(BaseCommand):
    help = "Takes reports and bounces from the mail server; runjobs starts it by itself."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--listen", metavar="PLACE", default=settings.POSTERN_RECEIVE,
            help="ADDRESS:PORT, or unix:PATH. Without it: what POSTERN_RECEIVE says.",
        )  # fmt: skip
        parser.add_argument("--smtp", action="store_true", help="Speak SMTP instead of LMTP.")
        parser.add_argument(
            "--anywhere", action="store_true",
            help="Listen on an address that other machines reach: whoever does can file reports.",
        )  # fmt: skip

    def handle(self, *, listen: str, smtp: bool, anywhere: bool, **options: Any) -> None:
        if not listen:
            raise CommandError("Say where to listen: --listen, or POSTERN_RECEIVE.")
        protocol = "SMTP" if smtp else "LMTP"
        with opened(listen, anywhere=anywhere) as listener:
            Service(is_lmtp=not smtp).serve(listener, lambda: self._say(protocol, listen))

    def _say(self, protocol: str, listen: str) -> None:
        self.stdout.write(f"Taking mail by {protocol} at {listen}")
        self.stdout.flush()


def opened(listen: str, *, anywhere: bool) -> socket.socket:
    """The socket that listens there.  Raises ``CommandError``, also where others reach it."""
    try:
        place = Place.parse(listen)
        if place.is_private or anywhere:
            return place.listener()
    except (OSError, ValueError) as error:
        raise CommandError(f"Nobody can listen at {listen}: {error}") from error
    raise CommandError(
        f"Other machines reach {listen}, and nothing here asks who they are. Listen on 127.0.0.1, "
        "or say --anywhere where a firewall lets only your mail servers in."
    )
