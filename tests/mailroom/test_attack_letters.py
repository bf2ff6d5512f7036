"""Attacks on letters by the words that others put into them."""

import pytest

from mailroom import outgoing, rendering
from mailroom.models import Letter

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]

FORGED = [
    "[[link]]",
    "[[li[[link]]nk]]",
    "[[li[[li[[link]]nk]]nk]]",
    "[[\x01link]]",
    "[[li\u202enk]]",
    "[[li[[\x7flink]]nk]]",
    "[[li\x1bnk]\x02]",
]


@pytest.mark.parametrize("forged", FORGED)
@pytest.mark.parametrize("template", ["tests/linked", "tests/spoken"])
def test_nobodys_words_become_the_readers_own_link(forged: str, template: str) -> None:
    text = rendering.render(
        template, {"text": f"https://evil.example/?{forged}", "subject": forged}, "en"
    )

    assert text.body.count(Letter.LINK) == (1 if template == "tests/linked" else 0)
    assert Letter.LINK not in text.subject
    assert f"?{Letter.LINK}" not in text.body


def test_no_header_can_be_put_into_a_letter() -> None:
    letter = Letter(
        pk=1,
        kind="test",
        recipient="a@b.example",
        subject=rendering.single_line("Hi\r\nBcc: victim@x.example\u2028X: y\x85Z: z"),
        body="text\n",
    )
    mail = outgoing.message(letter).message()

    assert mail["Bcc"] is None
    assert "\n" not in str(mail["Subject"])
