from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from escalation import owed, queue


class Command(BaseCommand):
    help = (
        "Does the due work of the kinds named, here and now, without the job runner: "
        "for cron, for tests, and for a look at what happens."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        kinds = ", ".join(settings.SWEEPS)
        parser.add_argument("kinds", nargs="*", metavar="kind", help=f"Any of: {kinds}.")
        parser.add_argument("--all", action="store_true", help="Every kind.")
        parser.add_argument(
            "--parked", action="store_true", help="First make due again what was given up."
        )
        parser.add_argument("--once", action="store_true", help="One batch of each kind.")

    def handle(
        self,
        *,
        kinds: list[str],
        all: bool,  # noqa: A002 -- the option's name
        parked: bool,
        once: bool,
        **options: Any,
    ) -> None:
        if unknown := set(kinds) - set(settings.SWEEPS):
            raise CommandError(
                f"No such kind: {', '.join(sorted(unknown))}. There are: "
                f"{', '.join(settings.SWEEPS)}."
            )
        if all == bool(kinds):
            raise CommandError("Say which kinds, or --all.")
        if parked:
            self.stdout.write(f"taken up again: {owed.take_up_again()}")
        for round_ in range(1 if once else 100):
            done = {kind: queue.run(kind) for kind in (settings.SWEEPS if all else kinds)}
            if round_ == 0 or any(done.values()):
                self.stdout.write(", ".join(f"{kind}: {n}" for kind, n in done.items()))
            if not any(done.values()):
                break
