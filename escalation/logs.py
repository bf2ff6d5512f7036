"""What the log must not keep: the tokens of links that people were mailed."""

import logging
import re
from typing import Any

_TOKEN = re.compile(
    r"(/(?:case|answer|refer|delist(?:/request)?|report(?:/loop)?"
    r"|account/invitation|account/password/reset/key)/)(?!of/|request/|loop/)[^/\s?]+"
)


class MaskTokens(logging.Filter):
    """Writes ``…`` where an address in a message has the token of a link."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        masked = _TOKEN.sub(r"\1…", said)
        if masked != said:
            record.msg, record.args = masked, None
        return True


def to_stderr(level: str) -> dict[str, Any]:
    """The configuration of ``logging``: lines on standard error, tokens masked."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
        "filters": {"tokens": {"()": MaskTokens}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["tokens"]}
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django-q": {"level": "WARNING"},  # it reports each message three times
            "django.request": {"level": "ERROR"},  # a visitor's 404 is no warning
        },
    }
