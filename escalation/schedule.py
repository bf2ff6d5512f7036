"""What is done in the background: every sweep, every hourly task, every check, and the cluster.

The queue lives in the default database on purpose: a nudge inside a transaction appears only if
that transaction commits (``escalation.queue``).
"""

from typing import Any

SWEEPS = {
    "letters": "mailroom.jobs.sweep_letters",
    "bounces": "mailroom.jobs.sweep_bounces",
    "bootstrap": "ownership.jobs.sweep_bootstrap",
    "inquiries": "ownership.jobs.sweep_inquiries",
    "listings": "listings.jobs.sweep_listings",
    "publications": "listings.jobs.sweep_publications",
    "delistings": "delisting.jobs.sweep_delistings",
    "reports": "abuse.jobs.sweep_reports",
    "answers": "abuse.jobs.sweep_answers",
    "loops": "abuse.jobs.sweep_loops",
    "incidents": "abuse.jobs.sweep_incidents",
    "hooks": "abuse.jobs.sweep_hooks",
    "cases": "tickets.jobs.sweep_cases",
    "clocks": "tickets.jobs.sweep_clocks",
    "housekeeping": "escalation.housekeeping.sweep_housekeeping",
}
HOUSEKEEPING = [  # once an hour
    "abuse.housekeeping.forget",
    "delisting.housekeeping.forget",
    "escalation.housekeeping.forget_sessions",
    "escalation.limits.forget",
    "escalation.queue.prune",
    "listings.housekeeping.forget",
    "mailroom.housekeeping.forget_texts",
    "mailroom.housekeeping.forget_mails",
    "ownership.housekeeping.forget",
    "tickets.jobs.prune_drafts",
    "tickets.figures.refresh",
    "traffic.counting.forget",
]
HEALTH_CHECKS = [
    "listings.health.publications",
    "listings.health.sinks",
    "ownership.health.bootstrap",
]


def cluster(workers: int) -> dict[str, Any]:
    """The settings of django-q2 (decision 2 says why each)."""
    return {
        "name": "postern",  # constant for ever: signature salt and queue key
        "orm": "default",  # never another alias: the business write would be lost
        "workers": workers,
        "queue_limit": workers,
        "bulk": 1,
        "timeout": 60,
        "retry": 300,
        "max_attempts": 1,
        "ack_failures": True,
        "save_limit": 0,
        "guard_cycle": 0.5,
        "poll": 0.5,
        "recycle": 500,
        "max_rss": 300_000,
        "catch_up": False,
        "compress": False,
        "cpu_affinity": 0,
        "cache": "jobs",
    }
