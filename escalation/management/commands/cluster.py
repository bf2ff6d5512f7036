from typing import Any

from django.core.management.base import BaseCommand

from escalation import cluster


class Command(BaseCommand):
    help = "What runjobs keeps alive. Start runjobs instead: it notices when this stands still."

    def handle(self, **options: Any) -> None:
        cluster.work()
