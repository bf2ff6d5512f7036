"""Which client address a reply refuses, and what kind of block it is.

Wrong is worse than nothing: the address must be the reason.  Addresses stand in replies for
other causes too: the receiving host's own, a resolver's, the one that fails SPF, one that is
only repeated.  So the address becomes a token, and a table of forms says which token is meant.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from mailroom.addresses import canonical
from mailroom.block_words import (
    A_DOMAIN,
    A_REFUSAL,
    GEO,
    GREY,
    HINTS,
    KINDS,
    NAMED_LIST,
    OTHER_CAUSE,
    RDNS,
    SENDER_POLICY,
    THE_CLIENT,
    THE_MESSAGE,
)
from mailroom.replies import the_words

MAX_TEXT: Final = 3000
MAX_CANDIDATES: Final = 20
T: Final = "\ue000"  # one IP address
GONE: Final = "\ue001"  # an IP address that is not the client's

_ADDRESS = re.compile(
    r"(?<![\w.])(?:"
    r"(?:[0-9a-f]{0,4}:){2,7}(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{0,4})(?![\w:]|\.\w|/\d)"
    r"|\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\w|/\d)"
    r")",
)
_LIKE_AN_ADDRESS = re.compile(r"\d\.\d{1,3}\.\d{1,3}\.\d|:[0-9a-f]{0,4}:")
# Postfix puts it before whatever a policy service says, even about the client.
_WRAPPER: Final = "recipient address rejected: "
_CONTINUED = re.compile(r"\s([245]\d\d)[- ](?:#?[245]\.\d{1,3}\.\d{1,3}(?=\s))?")

# The host that did it; a list's name after "by" leaves the address to the client.
_BY_A_HOST = (
    r"\bby(?: (?!\S{0,80}(?:bl|spam|list|cop|sorbs|barracuda|uceprotect|abuse))"
    r"[\w-]{1,60}\.[\w.-]{2,60})?"
)
# Words on either side that make an address somebody else's.
_NOT_THE_CLIENT_BEFORE = re.compile(
    r"(?:(?:connect(?:ed|ing|ion)? to|connection with|conversation with|giving up on|talking to)"
    r"(?: [\w.-]{1,120})?|attempted was|relay=\S{0,80}|resolver\S*"
    r"|name ?servers?"
    r"|dns servers?|returnc/\S{0,12}|queried from|query from|helo|ehlo|response_codes\?ip="
    rf"|delivered to|forwarded to|{_BY_A_HOST}|\bat|x-originating-ip:?"
    r"|\b(?:urls?|uri|links?|body|contains?|attachment)\b[^.;:]{0,60}"
    r"|\b(?:version|engine|rule)"
    r"|(?<!client )(?<!sending )(?<!sender )(?<!remote )(?<!connecting )(?<!your )\bhost \S{3,80}"
    r"|\S@|\bby (?:(?:the|mail|smtp|remote|our) ){0,3}(?:server|host|gateway|mta|system)"
    r"|(?:\bour|\bthis|\bmy|receiving|destination|recipient'?s?)"
    r" (?:(?!from |for |per )\w{1,15} ){0,2}(?:server|host|ip|mta|mx|system|gateway)(?: address)?"
    r"|(?:^|[\s?&(,;])(?:r|mx|server)=|\{ip="
    r"|attemptedip=|fqdn=)[\s\[(<:\"']{0,4}$"
)
_NOT_THE_CLIENT_AFTER = re.compile(
    r"^[\])>:\d\"'\s]{0,8}(?:said|says|did not like|does not like|failed after|responded"
    r"|timed out|connection timed out|connection refused|refused to talk|no route)"
)

# Forms in which the address is the reason.  Firm ones hold whatever else the reply says.
_IN = r"[\s\[(<\"'=:]{0,4}"
_OUT = r"[\s\])>\"':;,.]{0,5}(?::?\d{1,5}[\s\]:;,]{0,3})?"
_NAMED = r"(?:[\w.-]{1,120}[\s\[(]{1,2})?"
_FILLER = (
    r"(?:(?:is|was|has|have|had|been|being|are|currently|temporarily|permanently|on|in|an?|the|our"
    r"|by|due|to|because|of|sent|sending|with|host|ip|address|client|comcast|which|that|and|it|will"
    r"|be) ){0,5}"
)
_FIRM = (
    rf"{T}{_OUT}(?:is |was |has been |being |_is_){{0,2}}(?:currently |temporarily )?"
    r"(?:blocked (?:using|by)|black ?-?listed|block ?-?listed|listed|banned|found (?:in|on)"
    r"|in an? (?:rbl|dnsbl|black ?list|block ?list)|_?blocked)",
    rf"(?:blocked|banned|blacklisted|blocklisted)(?: sending| client| source| sender)?"
    rf"(?: ip| address| host| sender){{1,2}}{_IN}{_NAMED}{T}",
    rf"your (?:ip|host|server|mail ?server)(?: address)?{_IN}{T}{_OUT}appears\b",
    rf"client host rejected[^{T}{GONE}]{{0,100}}{T}",
    rf"{T}[^{T}{GONE}\s]{{0,30}} {{0,2}}client host rejected",
    rf"(?:cannot|can not|could not) find your (?:reverse )?host ?name,? {_IN}{T}",
    rf"ip name (?:lookup failed|possibly forged){_IN}{T}",
    rf"(?:missing|no|without|bad|invalid|fix)(?: valid)? (?:reverse dns|ptr"
    rf"|rdns)(?: \w{{2,9}}){{0,2}}"
    rf"{_IN}{_NAMED}{T}",
    rf"(?:gr[ae]y-?listed|blocked|rate limit(?:ed)?|limit exceeded|too many \w{{1,20}}|throttled)"
    rf"(?: for| from| by)?(?: client| ip| host| address){{1,2}}{_IN}{_NAMED}{T}",
    rf"(?:spamhaus|spamcop|sorbs|barracuda\w*|abuseat|dnsbl|\brbl|cloudmark|proofpoint|mail-abuse"
    rf"|senderscore|senderbase|junkemailfilter|uceprotect|trendmicro|symantec|ipcheck|ip-?removal"
    rf"|delist|unblock|blacklist|blocklist|abusix|talos)[^\s{T}]{{0,120}}{T}",
)
# These make the address the reason only where the message itself is not blamed.
_LOOSE = (
    rf"(?:reject(?:ed|ing)?|refus(?:ed|ing)|den(?:ied|ying)|block(?:ed|ing)?|throttl(?:ed|ing)"
    rf"|greylist(?:ed|ing)?"
    rf"|deferr(?:ed|ing)|limit(?:ed|ing)?|blacklist(?:ed|ing)?|because|since)[\s:;,-]{{0,3}}"
    rf"(?:(?:of|the|your|ip|host|address|client|server|for|from){_IN}){{0,4}}{_NAMED}{T}",
    rf"(?<![?&])\bip ?(?:address)?[=:]{_IN}{T}",
)
_FORMS = (
    *_FIRM,
    rf"(?:client|connecting|connected|sending|sender'?s?|remote|source|peer|your|server|smtp"
    rf"|mail ?server)"
    rf"(?: smtp| mail ?server| mail)?(?: host| ip| ipv[46]| server| address| mta| system"
    rf"| client){{0,3}}"
    rf"(?: is| of| was)?{_IN}{_NAMED}{T}",
    rf"(?:messages?|e?-?mails?|connections?|traffic|requests?|sessions?|access|sent|submissions?"
    rf"|spam|abuse|attacks?)"
    rf"(?: \w{{1,20}}){{0,3}} (?:from|for){_IN}{_NAMED}{T}",
    rf"{T}{_OUT}{_FILLER}(?:listed|block|blacklist|banned|found (?:in|on)|reject|denied|refused"
    r"|throttl|gr[ae]ylist|rate|limit|not (?:allowed|accepted|permitted|authori[sz]ed)|exceed"
    r"|too (?:many|fast|much)"
    r"|deferred|has no|does not (?:have|resolve)|must have|bad|poor|reputation|suspended"
    r"|disallowed|in a)",
    rf"^\W{{0,4}}(?:[245]\d\d[- ])?[\s\d.#-]{{0,12}}\[{T}[\s\d]{{0,12}}\] ?(?:our system|gmail"
    rf"|google)? ?has detected"
    r"[^\ue000]{0,80}(?:unsolicited mail|low reputation of the sending ip|unusual rate|suspicious)",
    rf"^\W{{0,4}}(?:[245]\d\d[- ])?[\s\d.#-]{{0,12}}\[{T}[\s\d]{{0,12}}\] ?the ip\b",
    # A limit that is named without a word for the client.
    rf"(?:too many|\brate\b|limits?\b|exceed(?:ed|s)?)[^{T}{GONE}.;]{{0,60}} (?:for|from)"
    rf" (?:(?:your|this|the|client|ip|host|address|server) ){{0,3}}{_IN}{_NAMED}{T}",
    rf"exceeded[\s;:,(\[-]{{1,4}}{T}",
    # The reply opens with the bare address.
    rf"^\W{{0,4}}[245]\d\d[- ](?:#?[245]\.\d{{1,3}}\.\d{{1,3}} )?[\[(]{T}[\])]"
    rf" (?=[^{T}]{{0,120}}(?:poor|bad|low) reputation)",
    rf"dynamic ip (?:address )?{_IN}{T}",
    rf"(?:again|later) from{_IN}{T}",
    rf"(?:query|lookup|bl\.shtml|reputation|remov|check|block|reset)[^\s{T}]{{0,80}}[?&/=]{T}",
    rf"reputation (?:of|for){_IN}{T}",
)
_FIRM_FORMS = tuple(re.compile(form) for form in _FIRM)
_USUAL_FORMS = tuple(re.compile(form) for form in _FORMS)
_ALL_FORMS = (*_USUAL_FORMS, *(re.compile(form) for form in _LOOSE))
# Where nothing follows the address, the refusal leads up to it.
_LAST = re.compile(rf"[\[(<\s:,;-]{T}[\s\])>.\"']{{0,4}}$")
_LAST_IN_LINK = re.compile(rf"https?://[^\s{T}]{{1,200}}[?&/=#]{T}[\s\])>.\"']{{0,4}}(?:$|&)")
_LINK = re.compile(r"https?://\S+")
_NAMED_HOST = re.compile(rf"[a-z][\w-]{{0,62}}\.[\w.-]{{1,120}} ?[\[(]{T}")


@dataclass(frozen=True, slots=True)
class Block:
    """The refused client address, "" if the reply gives none, and the kind of block."""

    address: str = ""
    kind: str = ""


def block_in(reply: str) -> Block:
    """Read the blocked address out of a reply; the kind alone where a block names no address."""
    text = _normal(reply)
    if not _LIKE_AN_ADDRESS.search(text):
        return Block("", _kind(text) if _speaks_of_the_client(text) else "")
    kind = _kind(text)
    if not kind:
        return Block()
    address = _meant(*_marked(text))
    return Block(address, kind if address or _speaks_of_the_client(text) else "")


def _normal(reply: str) -> str:
    """Lower case, one line, and without the codes that begin the further lines of a reply."""
    text = " ".join(the_words(reply)[:MAX_TEXT].lower().split()).replace(_WRAPPER, "")
    first = text[:3]
    if first.isdigit() and first in text[3:]:
        text = _CONTINUED.sub(lambda found: " " if found[1] == first else found[0], text)
        text = " ".join(text.split())
    return text


def _kind(text: str) -> str:
    return next((kind for kind, words in KINDS if words.search(text)), "")


def _speaks_of_the_client(text: str) -> bool:
    if not any(word in text for word in HINTS):
        return False
    if SENDER_POLICY.search(text) or OTHER_CAUSE.search(text) or A_DOMAIN.search(text):
        return False
    return any(words.search(text) for words in (RDNS, GREY, GEO, NAMED_LIST))


def _marked(text: str) -> tuple[str, list[str]]:
    """``text`` with a token for each address that may be the client's, and these addresses."""
    pieces: list[str] = []
    addresses: list[str] = []
    at = 0
    for found in _ADDRESS.finditer(text):
        address = canonical(found[0])
        pieces.append(text[at : found.start()])
        at = found.end()
        if not address:
            pieces.append(found[0])
        elif len(addresses) >= MAX_CANDIDATES or _is_another_host(text, *found.span(), address):
            pieces.append(GONE)
        else:
            pieces.append(T)
            addresses.append(address)
    pieces.append(text[at:])
    return "".join(pieces), addresses


def _is_another_host(text: str, start: int, end: int, address: str) -> bool:
    ip = ip_address(address)
    if ip.is_loopback or ip.is_unspecified or ip.is_multicast:
        return True
    before = text[max(0, start - 120) : start]
    return bool(
        _NOT_THE_CLIENT_BEFORE.search(before) or _NOT_THE_CLIENT_AFTER.match(text[end : end + 60])
    )


def _meant(marked: str, addresses: list[str]) -> str:
    """The one address that the reply gives as its reason, or "" if that is not certain."""
    elsewhere = (
        SENDER_POLICY.search(marked) or OTHER_CAUSE.search(marked) or A_DOMAIN.search(marked)
    )
    forms = _USUAL_FORMS if THE_MESSAGE.search(marked) else _ALL_FORMS
    for form in _FIRM_FORMS if elsewhere else forms:
        if named := set(_named(form, marked, addresses)):
            return named.pop() if len(named) == 1 else ""
    if not elsewhere and len(set(addresses)) == 1 and _stands_as_reason(marked):
        return addresses[0]
    return ""


def _named(form: re.Pattern[str], marked: str, addresses: list[str]) -> Iterator[str]:
    for found in form.finditer(marked):
        yield addresses[marked.count(T, 0, marked.index(T, found.start()))]


def _stands_as_reason(marked: str) -> bool:
    """No form fits, but only one address is there and the refusal speaks of the client."""
    if _NAMED_HOST.search(marked):
        return False  # it may as well be the host that speaks
    if any(words.search(marked) for words in (RDNS, NAMED_LIST, GEO, GREY, THE_CLIENT)):
        return True
    if THE_MESSAGE.search(marked) or "size" in marked:
        return False
    if _LAST.search(marked):
        return True
    return bool(_LAST_IN_LINK.search(marked) and A_REFUSAL.search(_LINK.sub("", marked)))
