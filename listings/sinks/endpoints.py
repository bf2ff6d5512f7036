"""Where a sink is asked, as the operator writes it: ``address:port``."""

from escalation import prefixes
from escalation.errors import Refused, TryAgainLater


def parse(text: str, port: int) -> tuple[str, int]:
    """Address and port of ``192.0.2.1:53``, ``[2001:db8::1]:53`` or an address alone.

    Names are not looked up: a receipt must not depend on another server.
    Raises ``TryAgainLater`` with words.

    >>> parse("[2001:db8::1]:5353", 53), parse("192.0.2.1", 53)
    (('2001:db8::1', 5353), ('192.0.2.1', 53))
    """
    host, number = text.strip(), str(port)
    if host.startswith("[") or host.count(":") == 1:
        host, _colon, given = host.rpartition(":") if not host.endswith("]") else (host, "", "")
        number = given or number
    try:
        address = prefixes.parse_address(host)
    except Refused as error:
        raise TryAgainLater(f"the sink's server is no address:port: “{text[:60]}”") from error
    if not number.isdigit() or not 0 < int(number) < 65536:
        raise TryAgainLater(f"the sink's server has no such port: “{text[:60]}”")
    return str(address), int(number)
