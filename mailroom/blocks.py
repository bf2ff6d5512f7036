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
from mailroom.replies import the_words

MAX_TEXT: Final = 3000
MAX_CANDIDATES: Final = 20
T: Final = "\ue000"  # one IP address
GONE: Final = "\ue001"  # an IP address that is not the client's

_ADDRESS = re.compile(
    r"(?<![\w.])(?:"
    r"(?:[0-9a-f]{0,4}:){2,7}(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{0,4})(?![\w:]|\.\w)"
    r"|\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\w|/\d)"
    r")",
)
_CONTINUED = re.compile(r"\s([245]\d\d)[- ](?:#?[245]\.\d{1,3}\.\d{1,3}(?=\s))?")
_SPACE = re.compile(r"\s+")

# Words on either side that make an address somebody else's.
_NOT_THE_CLIENT_BEFORE = re.compile(
    r"(?:connect(?:ed|ing|ion)? to|giving up on|talking to|relay=\S{0,80}|resolver\S*|name ?servers?"
    r"|dns servers?|returnc/\S{0,12}|queried from|query from|helo|ehlo|response_codes\?ip="
    r"|delivered to|forwarded to|received by|rejected by|(?:said|says) by|\bat|x-originating-ip:?"
    r"|(?<!client )(?<!sending )(?<!sender )(?<!remote )(?<!connecting )(?<!your )\bhost \S{3,80}"
    r"|(?:\bour|\bthis|\bmy|receiving|destination|recipient'?s?) (?:\w{1,15} ){0,2}"
    r"(?:server|host|ip|mta|mx|system|gateway)(?: address)?|[?&](?:r|mx|server)=)[\s\[(<:\"']{0,4}$"
)
_NOT_THE_CLIENT_AFTER = re.compile(
    r"^[\])>:\d\"'\s]{0,8}(?:said|says|did not like|does not like|failed after|responded"
    r"|timed out|connection timed out|connection refused|refused to talk|no route)"
)

# What the refusal is about.  The first three let no address through but by the firm forms.
_SENDER_POLICY = re.compile(
    r"\bspf\b|\bspf-|dmarc|dkim|sender policy|sender id|openspf|not designated|mismatches client"
    r"|not (?:allowed|authori[sz]ed|permitted|designated) to (?:use|send)(?: e?-?mails?| messages?)?"
    r" (?:from|for|as|on behalf|using|with)\b|not (?:authori[sz]ed|permitted) (?:sender|by domain)"
    r"|does not (?:allow|designate|permit|authori[sz]e) (?:your|the)? ?(?:server|host|ip|sender)"
    r"|unauthenticated|authentication (?:information|checks?|results?|required)|authenticated"
)
_OTHER_CAUSE = re.compile(
    r"user unknown|unknown user|no such (?:user|recipient|mailbox|address)|recipient address rejected"
    r"|mailbox (?:is )?(?:full|unavailable|disabled)|does not exist|over ?quota|quota (?:is )?exceeded"
    r"|relay(?:ing)? (?:access )?(?:denied|prohibited)|permitted to relay|unable to relay|virus"
    r"|message (?:size|too)|header|rfc ?[25]\d\d\d|\bcontent\b|attachment|helo|ehlo|malformed"
    r"|sender address|sender verif|domain of sender|syntax|hop count|\bloop|starttls|\btls\b"
    r"|invalid (?:recipient|address|mailbox)|recipient not|certificate|callback|bounce address"
)
_A_DOMAIN = re.compile(
    r"\bdbl\b|surbl|uribl|rhsbl|sending domain|sender domain|from domain|domain reputation"
    r"|reputation of the (?:sending )?domain|\b(?:black(?:listed)? |bad )?(?:url|link)s? (?:in|listed|found|black)"
    r"|black ?-?listed (?:url|link|domain)|\bbody\b|spf domain"
)

_RDNS = re.compile(
    r"reverse[ -]?(?:dns|host|lookup|name|address|mapping|ip|resol|record|entry|delegation)|\brdns\b"
    r"|\bptr\b|\bin-addr\b|unverifyable|unverifiable|fcrdns|forward[- ]confirmed|(?:no|bad) dns ptr"
    r"|(?:can ?not|could not|unable to|can't|couldn't) (?:find|resolve|verify|get) (?:your )?"
    r"(?:reverse )?(?:host ?name|host|ip|name|address)|(?:ip|host) ?name lookup|possibly forged"
    r"|unresolvable|do(?:es)? not resolve|no (?:valid )?(?:host)?name found|generic (?:r?dns|host)"
)
_GREY = re.compile(r"gr[ae]y[- ]?list|postgrey|sqlgrey")
_GEO = re.compile(
    r"\bcountr(?:y|ies)\b|\bgeo(?:[- ]?ip|[- ]?block|[- ]?filter|[- ]?loc|graphic)"
    r"|(?:your|from) region\b|\bregion (?:is )?(?:blocked|not)|\bnation\b"
)
_NAMED_LIST = re.compile(
    r"blocked (?:using|by|at|in|on)|black ?-?list|block ?-?list|(?<!not )\blisted\b|\brbl|dnsbl|dns list"
    r"|spamhaus|spamcop|sorbs|barracuda|abuseat|blackhole|\b(?:sbl|xbl|pbl|cbl|zen|css)\b|banned"
    r"|\bour list\b|\bblacklisted\b|found (?:in|on) \S{0,40}\.|spammer list"
)
_RATE = re.compile(
    r"rate[- ]?limit|limited|throttl|too (?:many|much|fast|frequent)|unusual rate|unexpected volume"
    r"|frequency|exceed|concurren|\brate of\b|limits? (?:for|on|of|has|is)|per (?:hour|minute|day|second)"
    r"|temporarily deferred|permanently deferred|traffic shap|high volume|simultaneous|message rate"
    r"|connection (?:limit|rate)|server busy|slow down|hourly|daily"
)
_LIST = re.compile(
    r"block(?:ed|s|ing)?\b|_blocked|reputation|denied|refus|reject|abus|dynamic|residential|dial-?up"
    r"|not accept|no longer accept|local policy|policy reasons|compromised|infected|botnet|open (?:relay|proxy)"
    r"|unsolicited|spam|suspicious|weren't sent|were not sent|a problem occurred|not allowed|unblock"
    r"|suspended|prohibited|poor|bad ip|delist|removal|not authori[sz]ed to send email directly"
    r"|do not accept|don't accept|disallowed|access"
)
KINDS: Final = (
    ("rdns", _RDNS),
    ("greylist", _GREY),
    ("geo", _GEO),
    ("list", _NAMED_LIST),
    ("rate", _RATE),
    ("list", _LIST),
)

# Forms in which the address is the reason.  Firm ones hold whatever else the reply says.
_IN = r"[\s\[(<\"'=:]{0,4}"
_OUT = r"[\s\])>\"':;,.]{0,5}(?::?\d{1,5}[\s\]:;,]{0,3})?"
_NAMED = r"(?:[\w.-]{1,120}[\s\[(]{1,2})?"
_FILLER = (
    r"(?:(?:is|was|has|have|had|been|being|are|currently|temporarily|permanently|on|in|an?|the|our"
    r"|by|due|to|because|of|sent|with|host|ip|address|client|comcast|which|that|and|it|will|be) ){0,5}"
)
_FIRM = (
    rf"(?:client|connecting|sending|sender|remote|source)? ?(?:host|ip|server|mta)?(?: address)?{_IN}"
    rf"{_NAMED}{T}{_OUT}(?:is |was |has been |being |_is_){{0,2}}(?:currently |temporarily )?"
    r"(?:blocked (?:using|by)|black ?-?listed|block ?-?listed|listed|banned|found (?:in|on)"
    r"|in an? (?:rbl|dnsbl|black ?list|block ?list)|_?blocked)",
    rf"(?:blocked|banned|blacklisted|blocklisted)(?: sending| client| source| sender)?"
    rf"(?: ip| address| host| sender){{1,2}}{_IN}{_NAMED}{T}",
    rf"client host rejected[^{T}{GONE}]{{0,100}}{T}",
    rf"{T}[^{T}{GONE}\s]{{0,30}} {{0,2}}client host rejected",
    rf"(?:cannot|can not|could not) find your (?:reverse )?host ?name,? {_IN}{T}",
    rf"ip name (?:lookup failed|possibly forged){_IN}{T}",
    rf"(?:missing|no|without|bad|invalid|fix)(?: valid)? (?:reverse dns|ptr|rdns)(?: \w{{2,9}}){{0,2}}"
    rf"{_IN}{_NAMED}{T}",
    rf"(?:gr[ae]y-?listed|blocked|rate limit(?:ed)?|limit exceeded|too many \w{{1,20}}|throttled)"
    rf"(?: for| from| by)?(?: client| ip| host| address){{1,2}}{_IN}{_NAMED}{T}",
    rf"(?:spamhaus|spamcop|sorbs|barracuda\w*|abuseat|dnsbl|\brbl|cloudmark|proofpoint|mail-abuse"
    rf"|senderscore|senderbase|junkemailfilter|uceprotect|trendmicro|symantec|ipcheck|ip-?removal"
    rf"|delist|unblock|blacklist|blocklist|abusix|talos)[^\s{T}]{{0,120}}{T}",
)
_FORMS = (
    *_FIRM,
    rf"(?:client|connecting|connected|sending|sender'?s?|remote|source|peer|your|server|smtp|mail ?server)"
    rf"(?: smtp| mail ?server| mail)?(?: host| ip| ipv[46]| server| address| mta| system| client){{0,3}}"
    rf"(?: is| of| was)?{_IN}{_NAMED}{T}",
    rf"(?:messages?|e?-?mails?|connections?|traffic|requests?|sessions?|access|sent|submissions?|spam|abuse)"
    rf"(?: \w{{1,20}}){{0,3}} (?:from|for|by){_IN}{_NAMED}{T}",
    rf"(?:reject(?:ed|ing)?|refus(?:ed|ing)|den(?:ied|ying)|block(?:ed|ing)?|throttl(?:ed|ing)|greylist(?:ed|ing)?"
    rf"|deferr(?:ed|ing)|limit(?:ed|ing)?|blacklist(?:ed|ing)?|because|since)[\s:;,-]{{0,3}}"
    rf"(?:(?:of|the|your|ip|host|address|client|server|for|from){_IN}){{0,4}}{_NAMED}{T}",
    rf"{T}{_OUT}{_FILLER}(?:listed|block|blacklist|banned|found (?:in|on)|reject|denied|refused"
    r"|throttl|gr[ae]ylist|rate|limit|not (?:allowed|accepted|permitted|authori[sz]ed)|exceed|too many"
    r"|deferred|has no|does not (?:have|resolve)|must have|bad|poor|reputation|suspended|disallowed|in a)",
    rf"^\W{{0,4}}(?:[245]\d\d[- ])?[\s\d.#-]{{0,12}}\[{T}[\s\d]{{0,12}}\] ?(?:our system|gmail|google)? ?has detected"
    r"[^\ue000]{0,80}(?:unsolicited mail|low reputation of the sending ip|unusual rate|suspicious)",
    rf"^\W{{0,4}}(?:[245]\d\d[- ])?[\s\d.#-]{{0,12}}\[{T}[\s\d]{{0,12}}\] ?the ip\b",
    rf"(?:again|later) from{_IN}{T}",
    rf"(?:query|lookup|bl\.shtml|reputation|remov|check|block|reset)[^\s{T}]{{0,80}}[?&/=]{T}",
    rf"(?<![?&])\bip ?(?:address)?[=:]{_IN}{T}",
)
_FIRM_FORMS = tuple(re.compile(form) for form in _FIRM)
_ALL_FORMS = tuple(re.compile(form) for form in _FORMS)


@dataclass(frozen=True, slots=True)
class Block:
    """The refused client address, "" if the reply gives none, and the kind of block."""

    address: str = ""
    kind: str = ""


def block_in(reply: str) -> Block:
    """Read the blocked address out of a reply; the kind alone where a block names no address."""
    text = _normal(reply)
    kind = _kind(text)
    if not kind:
        return Block()
    marked, addresses = _marked(text)
    if not addresses:
        return Block("", kind if _speaks_of_the_client(text) else "")
    address = _meant(marked, addresses)
    if address:
        return Block(address, kind)
    return Block("", kind if _speaks_of_the_client(text) else "")


def _normal(reply: str) -> str:
    """Lower case, one line, and without the codes that begin the further lines of a reply."""
    text = _SPACE.sub(" ", the_words(reply)[:MAX_TEXT]).strip().lower()
    first = text[:3]
    if first.isdigit():
        text = _CONTINUED.sub(lambda found: " " if found[1] == first else found[0], text)
    return _SPACE.sub(" ", text)


def _kind(text: str) -> str:
    return next((kind for kind, words in KINDS if words.search(text)), "")


def _speaks_of_the_client(text: str) -> bool:
    if _SENDER_POLICY.search(text) or _OTHER_CAUSE.search(text) or _A_DOMAIN.search(text):
        return False
    return any(words.search(text) for words in (_RDNS, _GREY, _GEO, _NAMED_LIST))


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
        _NOT_THE_CLIENT_BEFORE.search(before)
        or _NOT_THE_CLIENT_AFTER.match(text[end : end + 60])
    )


def _meant(marked: str, addresses: list[str]) -> str:
    """The one address that the reply gives as its reason, or "" if that is not certain."""
    elsewhere = (
        _SENDER_POLICY.search(marked) or _OTHER_CAUSE.search(marked) or _A_DOMAIN.search(marked)
    )
    for form in _FIRM_FORMS if elsewhere else _ALL_FORMS:
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
    return any(words.search(marked) for words in (_RDNS, _NAMED_LIST, _GEO, _GREY))
