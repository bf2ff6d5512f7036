"""What the log must not keep: the tokens of links that people were mailed."""

import logging
import re

_TOKEN = re.compile(
    r"(/(?:case|answer|account/invitation|account/password/reset/key)/)(?!of/)[^/\s?]+"
)


class MaskTokens(logging.Filter):
    """Writes ``…`` where an address in a message has the token of a link."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        masked = _TOKEN.sub(r"\1…", said)
        if masked != said:
            record.msg, record.args = masked, None
        return True
