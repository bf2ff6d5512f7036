"""The sweeps that send letters, and take note of those that come back."""

from functools import partial

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from escalation import owed
from mailroom import actions, alerts, returning
from mailroom.alerts import alert
from mailroom.delivery import Carrier, NotNow
from mailroom.models import Letter, Purpose, Received

# With the backoff of owed rows: given up after about four and a half days, as RFC 5321
# section 4.5.4.1 wants of a mail server.
ATTEMPTS = 22
WORST = 30.0  # seconds; see mailroom.checks


def sweep_letters() -> int:
    """Hand every letter that is due to the mail server."""
    with Carrier() as carrier:
        return owed.work_through(
            "letters",
            Letter.objects.all(),
            partial(send, carrier),
            worst=min(settings.EMAIL_TIMEOUT, WORST),
            attempts=ATTEMPTS,
            parked=give_up,
        )


def sweep_bounces() -> int:
    """Read what came back to our envelope senders."""
    mails = Received.objects.filter(purpose=Purpose.BOUNCE)
    return owed.work_through("bounces", mails, returning.note, worst=15.0, parked=alerts.given_up)


def send(carrier: Carrier, letter: Letter) -> None:
    """Send one letter and record the answer.

    A crash in between sends it again when the lease is over: the same octets
    under the same Message-ID (RFC 5322, section 3.6.4), which tell the copy.
    """
    if not actions.set_out(letter):
        return
    try:
        answer = carrier.hand_over(letter)
    except NotNow as error:
        actions.put_off(letter, error.code, error.reply)
        raise
    actions.settle(letter, accepted=answer.accepted, code=answer.code, reply=answer.reply)


def give_up(letter: Letter) -> None:
    """Tell those who wait for the outcome, and the operator: one alert a day for all letters."""
    actions.wake(letter)
    if letter.kind == Letter.ALERT:
        return
    text = gettext(
        "After %(n)d attempts we gave up a letter to %(recipient)s. The last word was: %(error)s"
        "\n\nThere may be others. Here you see them, and can send them again:\n%(page)s"
    )
    page = reverse("admin:mailroom_letter_changelist", query={"is": "parked"})
    words = {
        "n": ATTEMPTS,
        "recipient": letter.recipient,
        "error": letter.last_error or "–",
        "page": f"{settings.POSTERN_URL}{page}",
    }
    alert(
        f"letters-given-up:{timezone.localdate()}",
        gettext("Letters cannot be sent"),
        text % words,
    )
