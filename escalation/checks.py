"""System checks: settings under which work would be lost, repeated or stand still.

Every one of these has been seen to do so without an error message.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

POSTERN = "postern"  # tag of our own checks
Rule = Callable[[dict[str, Any]], str]

ACK_LAG = 60  # seconds that a finished task may wait for its acknowledgement


def retry_outlives_the_longest_wait(queue: dict[str, Any]) -> str:
    """``retry`` counts from the moment a message is read, not from its start."""
    try:
        rounds = math.ceil((queue["queue_limit"] + queue["bulk"]) / queue["workers"]) + 1
        needed = rounds * (queue["timeout"] + 3 + queue["guard_cycle"]) + ACK_LAG
        enough = queue["retry"] >= needed
    except (KeyError, TypeError):
        return "set workers, queue_limit, bulk, timeout, guard_cycle and retry"
    return "" if enough else f"retry must be at least {math.ceil(needed)}, or work is done twice"


def queue_shares_the_transaction(queue: dict[str, Any]) -> str:
    if queue.get("orm") == "default":
        return ""
    return (
        "orm must be 'default', the database of the rows themselves: with another, "
        "a nudge inside a transaction loses the write it is for"
    )


def only_our_broker(queue: dict[str, Any]) -> str:
    others = {"redis", "django_redis", "iron_mq", "sqs", "mongo", "broker_class"} & set(queue)
    return f"remove {', '.join(sorted(others))}: only the database broker is safe" if others else ""


def guard_can_count(queue: dict[str, Any]) -> str:
    if queue.get("guard_cycle") in (0.5, 1):
        return ""
    return "guard_cycle must be 0.5 or 1: with other values a hung worker is never ended"


def timeout_is_whole(queue: dict[str, Any]) -> str:
    timeout = queue.get("timeout")
    if type(timeout) is int and timeout > 0:
        return ""
    return "timeout must be a whole number of seconds: else a hung worker is never ended"


def nothing_is_pruned_per_task(queue: dict[str, Any]) -> str:
    if queue.get("save_limit") == 0:
        return ""
    return "save_limit must be 0: any other value slows the monitor until work is done twice"


def nothing_is_caught_up(queue: dict[str, Any]) -> str:
    if queue.get("catch_up") is False:
        return ""
    return "catch_up must be False: else every sweep missed in a pause comes at once"


def domain_rows_retry(queue: dict[str, Any]) -> str:
    if queue.get("max_attempts") == 1 and queue.get("ack_failures") is True:
        return ""
    return "max_attempts must be 1 and ack_failures True: the rows count attempts, not the queue"


def work_is_not_done_in_the_request(queue: dict[str, Any]) -> str:
    if queue.get("sync"):
        return "remove sync: it does the work inside the caller's transaction"
    return ""


def heartbeat_is_shared(queue: dict[str, Any]) -> str:
    cache: dict[str, Any] = settings.CACHES.get(queue.get("cache", "default"), {})
    if cache.get("BACKEND", "").rpartition(".")[2] in {"LocMemCache", "DummyCache", ""}:
        return "cache must name a cache that processes share: else no health check sees the cluster"
    return ""


QUEUE_RULES: Sequence[tuple[str, Rule]] = [
    ("E001", retry_outlives_the_longest_wait),
    ("E002", queue_shares_the_transaction),
    ("E003", only_our_broker),
    ("E004", guard_can_count),
    ("E005", timeout_is_whole),
    ("E006", nothing_is_pruned_per_task),
    ("E007", nothing_is_caught_up),
    ("E008", domain_rows_retry),
    ("E009", work_is_not_done_in_the_request),
    ("E010", heartbeat_is_shared),
]


@register(POSTERN)
def check_queue(
    app_configs: Sequence[AppConfig] | None, **options: object
) -> Sequence[CheckMessage]:
    return [
        Error(f"Q_CLUSTER: {reason}.", id=f"escalation.{number}")
        for number, rule in QUEUE_RULES
        if (reason := rule(settings.Q_CLUSTER))
    ]


@register(POSTERN)
def check_database(
    app_configs: Sequence[AppConfig] | None, **options: object
) -> Sequence[CheckMessage]:
    return [
        Error(f"DATABASES: {reason}.", id=f"escalation.{number}")
        for number, reason in database_troubles(
            settings.DATABASES["default"], settings.POSTERN_ROLE
        )
    ]


def database_troubles(database: dict[str, Any], role: str) -> Iterator[tuple[str, str]]:
    """Number and reason of everything that is dangerous about ``database`` in a ``role``."""
    options = database.get("OPTIONS", {})
    if database["ENGINE"].endswith("sqlite3"):
        if options.get("transaction_mode") != "IMMEDIATE":
            yield "E011", "transaction_mode must be IMMEDIATE on SQLite: else writes fail at random"
        if "journal_mode=wal" not in options.get("init_command", "").lower():
            yield "E012", "journal_mode must be WAL on SQLite: else readers block writers"
        if options.get("timeout", 5) < 20:
            yield "E013", "timeout must be at least 20 s on SQLite: else writers give up"
    if database.get("ATOMIC_REQUESTS"):
        yield "E014", "ATOMIC_REQUESTS must be off: with it, every page takes the write lock"
    if role == "worker":
        if "pool" in options:
            yield "E015", "no connection pool in the job runner: its processes would share sockets"
        if not database.get("CONN_MAX_AGE", 0):
            yield "E016", "CONN_MAX_AGE must be above 0 in the job runner: else it crawls"
