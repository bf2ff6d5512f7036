"""Mail backends that send for real, and do one thing more."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.core.mail import EmailMessage
from django.db import connection
from django.utils import timezone

from mailroom.models import Letter
from mailroom.smtp import Backend


class Killed(BaseException):
    """Like kill -9: nothing of ours runs after it."""


class DiesAfterAcceptance(Backend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        super().send_messages(email_messages)
        raise Killed


class LosesTheLease(Backend):
    """Meanwhile the lease has run out, and another worker has taken the row over."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        n_sent: int = super().send_messages(email_messages)
        Letter.objects.update(lease_token="5d3b2d3c-6a0e-4f54-9c0c-5d3b2d3c6a0e")
        return n_sent


class IsCancelledMeanwhile(Backend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        n_sent: int = super().send_messages(email_messages)
        Letter.objects.update(cancelled_at=timezone.now(), due_at=None)
        return n_sent


class NotesTransactions(Backend):
    inside: ClassVar[list[bool]] = []

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        self.inside.append(connection.in_atomic_block)
        n_sent: int = super().send_messages(email_messages)
        return n_sent

    def close(self) -> Any:
        self.inside.append(connection.in_atomic_block)
        return super().close()


class TakesNothing(Backend):
    """As some providers' backends do: no error, and no mail sent."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        return 0
