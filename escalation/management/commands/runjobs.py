from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from escalation.watchdog import Limits, Watchdog


class Command(BaseCommand):
    help = "Does the background work, until Ctrl-C or SIGTERM. Several machines may run it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        cluster: dict[str, Any] = settings.Q_CLUSTER
        stall = cluster["timeout"] + 10.0
        parser.add_argument(
            "--stall", type=float, default=stall, metavar="SECONDS",
            help="Start the cluster again when it has work and finishes none for so long.",
        )  # fmt: skip
        parser.add_argument(
            "--grace", type=float, default=200.0, metavar="SECONDS",
            help="How long running tasks may take to end after SIGTERM.",
        )  # fmt: skip
        parser.add_argument(
            "--late", type=float, default=180.0, metavar="SECONDS",
            help="Ask for a sweep that has not come round for so long.",
        )  # fmt: skip

    def handle(self, *, stall: float, grace: float, late: float, **options: Any) -> None:
        Watchdog(Limits(stall=stall, grace=grace, late=late)).run()
