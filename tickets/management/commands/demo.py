from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tickets import demo


class Command(BaseCommand):
    help = "Makes the demo's people, listings and tickets (demo mode only), and says who logs in."

    def handle(self, **options: Any) -> None:
        if not settings.POSTERN_DEMO:
            raise CommandError("This is not demo mode: nothing was made.")
        demo.make()
        url = settings.POSTERN_URL
        self.stdout.write(
            f"""
  Sign in at   {url}/account/login/   (password for all: {demo.PASSWORD})
    dana@clinic.example     admin of a customer: opens tickets, in English
    hana@school.example     admin of another customer, in Korean
    minji@mail.example      agent of level 1
    joon@mail.example       agent of level 2, in Korean
    operator@mail.example   the operator

  Letters to senders and owners are read at   {url}/mailbox/
  Agents work at                              {url}/desk/
  A bounce to begin with                      docs/try/bounce.eml
"""
        )
