"""Facts from the DNS about a refused address and its sender's domain."""

from escalation import prefixes
from escalation.prefixes import Prefix
from escalation.resolving import (
    Fact,
    Question,
    ask_all,
    forward_confirmed,
    reverse_names,
    texts_beginning,
)


def gather(prefix: Prefix, domain: str) -> dict[str, Fact]:
    """Ask for reverse and forward names, SPF and DMARC: see ``escalation.resolving``."""
    questions: dict[str, Question] = {}
    if domain:
        questions["spf"] = lambda: texts_beginning(domain, "v=spf1")
        questions["dmarc"] = lambda: texts_beginning(f"_dmarc.{domain}", "v=dmarc1")
    if prefixes.is_single(prefix):
        address = prefix.network_address
        questions["reverse"] = lambda: reverse_names(address)
        questions["forward_confirmed"] = lambda: forward_confirmed(address)
    return ask_all(questions)
