#!/usr/bin/env python3
"""Postern's command line: ``manage.py help`` lists the commands."""

import os
import sys
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

RUNNING_DEMO = Path(__file__).parent / "var" / "demo.env"  # see escalation/serve.py


def join_the_demo() -> None:
    """Take the settings of the demo that runs in this folder, unless there are others."""
    own = {"SECRET_KEY", "DATABASE_URL", "POSTERN_DEMO"} & set(os.environ)
    if own or not RUNNING_DEMO.exists():
        return
    for line in RUNNING_DEMO.read_text().splitlines():
        name, _, value = line.partition("=")
        os.environ.setdefault(name, value)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "escalation.settings")
    join_the_demo()
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))  # words for a person, who needs no traceback
