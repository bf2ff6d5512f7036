"""Two who report the same messages at the same instant."""

import pytest

from abuse import uploads
from abuse.uploads import Taken
from mailroom.models import Channel, Purpose, Received
from tests.abuse.mails import junk
from tests.listings.test_races import in_threads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
MAILS = [junk(number) for number in range(12)]


def take(mails: list[bytes]) -> Taken:
    return uploads.take(
        mails, purpose=Purpose.JUNK, channel=Channel.WEB, who="somebody", language="en"
    )


def test_the_same_files_in_any_order_are_kept_once_and_nobody_waits_for_ever() -> None:
    for _ in range(5):
        Received.objects.all().delete()
        orders = [MAILS, MAILS[::-1], MAILS[6:] + MAILS[:6], MAILS[::-1]]

        done = in_threads(*[lambda mails=mails: take(mails) for mails in orders])

        assert sorted((taken.new, taken.known) for taken in done) == [(0, 12)] * 3 + [(12, 0)]
        assert set(Received.objects.values_list("copies", flat=True)) == {4}
