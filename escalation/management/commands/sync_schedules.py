from typing import Any

from django.core.management.base import BaseCommand

from escalation import queue


class Command(BaseCommand):
    help = "Makes the schedules of the background work what the settings say."

    def handle(self, **options: Any) -> None:
        queue.sync_schedules()
