import copy
from typing import Any

import pytest
from django.conf import settings as configured
from django.core import checks

from escalation.checks import check_database, check_queue, database_troubles

QUEUE = copy.deepcopy(configured.Q_CLUSTER)
BAD_QUEUES = [
    ("E001", {"retry": 60}),
    ("E001", {"queue_limit": 16}),
    ("E001", {"workers": None}),
    ("E002", {"orm": "replica"}),
    ("E003", {"redis": {"host": "localhost"}}),
    ("E003", {"broker_class": "somebody.Broker"}),
    ("E004", {"guard_cycle": 0.3}),
    ("E004", {"guard_cycle": 2}),
    ("E005", {"timeout": 60.0}),
    ("E005", {"timeout": None}),
    ("E006", {"save_limit": 250}),
    ("E006", {"save_limit": -1}),
    ("E007", {"catch_up": True}),
    ("E008", {"max_attempts": 0}),
    ("E008", {"ack_failures": False}),
    ("E009", {"sync": True}),
    ("E010", {"cache": "nowhere"}),
]
SQLITE: dict[str, Any] = {
    "ENGINE": "django.db.backends.sqlite3",
    "CONN_MAX_AGE": 600,
    "OPTIONS": {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;",
    },
}
POSTGRESQL: dict[str, Any] = {
    "ENGINE": "django.db.backends.postgresql",
    "CONN_MAX_AGE": 600,
    "OPTIONS": {},
}
BAD_DATABASES = [
    ("E011", {**SQLITE, "OPTIONS": {**SQLITE["OPTIONS"], "transaction_mode": None}}),
    ("E012", {**SQLITE, "OPTIONS": {**SQLITE["OPTIONS"], "init_command": ""}}),
    ("E013", {**SQLITE, "OPTIONS": {**SQLITE["OPTIONS"], "timeout": 5}}),
    ("E014", {**POSTGRESQL, "ATOMIC_REQUESTS": True}),
    ("E015", {**POSTGRESQL, "OPTIONS": {"pool": True}}),
    ("E016", {**POSTGRESQL, "CONN_MAX_AGE": 0}),
]


def ids(messages: Any) -> list[str]:
    return [message.id.removeprefix("escalation.") for message in messages]


def test_the_settings_as_they_are_pass() -> None:
    assert ids(check_queue(None)) == ids(check_database(None)) == []


def test_the_checks_are_on_whenever_a_command_runs() -> None:
    assert {check_queue, check_database} <= set(checks.registry.registry.get_checks())


@pytest.mark.parametrize(("number", "change"), BAD_QUEUES)
def test_a_dangerous_queue_is_rejected(number: str, change: dict[str, Any], settings: Any) -> None:
    settings.Q_CLUSTER = {**QUEUE, **change}

    assert number in ids(check_queue(None))


@pytest.mark.parametrize("backend", ["locmem.LocMemCache", "dummy.DummyCache"])
def test_a_heartbeat_that_nobody_else_sees_is_rejected(backend: str, settings: Any) -> None:
    settings.CACHES = {"jobs": {"BACKEND": f"django.core.cache.backends.{backend}"}}

    assert ids(check_queue(None)) == ["E010"]


@pytest.mark.parametrize(("number", "database"), BAD_DATABASES)
def test_a_dangerous_database_is_rejected(number: str, database: dict[str, Any]) -> None:
    assert [found for found, _ in database_troubles(database, "worker")] == [number]


@pytest.mark.parametrize("database", [SQLITE, POSTGRESQL])
def test_a_safe_database_passes_in_the_job_runner(database: dict[str, Any]) -> None:
    assert list(database_troubles(database, "worker")) == []


def test_the_web_server_may_pool_its_connections() -> None:
    pooled = {**POSTGRESQL, "CONN_MAX_AGE": 0, "OPTIONS": {"pool": True}}

    assert list(database_troubles(pooled, "web")) == []
