"""The vocabulary of refusals: what they are about, and the five kinds of block.

One alternative a line, all in lower case.  Each begins with a letter, for then a search skips
over whatever begins with none of them; no repeat is unbounded.
"""

import re
from typing import Final


def either(alternatives: str) -> re.Pattern[str]:
    """A pattern that finds any of the alternatives, which stand one on a line."""
    return re.compile("|".join(line.strip() for line in alternatives.strip().splitlines()))


# About something else than the client's address.
SENDER_POLICY = either(
    r"""
    spf\b
    dmarc
    dkim
    sender policy
    sender id\b
    openspf
    not designated
    mismatches client
    not \w{7,10} to (?:use|send)(?: e?-?mails?| messages?)? (?:from|for|as|on behalf|using|with)\b
    not (?:authori[sz]ed|permitted) (?:sender|by domain)
    does not (?:allow|designate|permit|authori[sz]e) (?:your|the)? ?(?:server|host|ip|sender)
    unauthenticated
    authentication (?:information|checks?|results?|required)
    authenticated
    """
)
OTHER_CAUSE = either(
    r"""
    user unknown
    unknown user
    no such (?:user|recipient|mailbox|address)
    recipient address rejected
    mailbox (?:is )?(?:full|unavailable|disabled)
    does not exist
    over ?quota
    quota (?:is )?exceeded
    relay(?:ing)? (?:access )?(?:denied|prohibited)
    permitted to relay
    allowed to relay
    relay not (?:permitted|allowed)
    relaying
    unable to relay
    virus
    message (?:size|too)
    size limit
    header
    rfc ?[25]\d\d\d
    content\b
    attachment
    helo
    ehlo
    malformed
    sender address
    sender verif
    domain of sender
    syntax
    hop count
    too many hops
    loop\b
    starttls
    tls\b
    invalid (?:recipient|address|mailbox)
    recipient not
    certificate
    callback
    bounce address
    """
)
A_DOMAIN = either(
    r"""
    dbl\b
    surbl
    uribl
    rhsbl
    sending domain
    sender domain
    from domain
    domain reputation
    body\b
    reputation of the (?:sending )?domain
    urls? (?:in|listed|found|black)\b
    spf domain
    links? (?:in|listed|found|black)\b
    black ?-?listed (?:url|link|domain)
    """
)

THE_MESSAGE = either(
    r"""
    suspected
    bulk
    spam (?:message|mail)
    mail content
    message (?:was |is |has been )?(?:rejected|refused|denied|blocked|detected)
    considered
    """
)

THE_CLIENT = either(
    r"""
    your (?:ip|host|mail ?server|server|network)\b
    this ip\b
    the sending (?:ip|mta|host)\b
    """
)

# What the words around a link must hold, for many a link to an explanation ends in the address.
A_REFUSAL = either(
    r"""
    block
    reputation
    reject
    denied
    refus
    dropped
    policy
    abus
    """
)

# The kinds of block.
RDNS = either(
    r"""
    reverse[ -]?(?:dns|host|lookup|name|address|mapping|ip|resol|record|entry|delegation)
    rdns\b
    ptr\b
    in-addr\b
    unverifyable
    unverifiable
    fcrdns
    forward[- ]confirmed
    can ?not (?:find|resolve|verify|get) (?:your )?(?:reverse )?(?:host ?name|host|ip|name|address)
    could(?: not|n't) (?:find|resolve|verify|get) (?:your )?(?:reverse )?(?:host|ip|name|address)
    unable to (?:find|resolve|verify|get) (?:your )?(?:reverse )?(?:host|ip|name|address)
    can't (?:find|resolve|verify|get) (?:your )?(?:reverse )?(?:host|ip|name|address)
    invalid hostname
    no matches to nameserver
    ip ?name lookup
    host ?name lookup
    possibly forged
    unresolvable
    do not resolve
    does not resolve
    no (?:valid )?(?:host)?name found
    generic (?:r?dns|host)
    """
)
GREY = either(
    r"""
    gr[ae]y[- ]?list
    postgrey
    sqlgrey
    """
)
GEO = either(
    r"""
    country\b
    countries\b
    geo(?:[- ]?ip|[- ]?block|[- ]?filter|[- ]?loc|graphic)
    your region\b
    from region\b
    region (?:is )?(?:blocked|not)
    """
)
NAMED_LIST = either(
    r"""
    blocked (?:using|by|at|in|on)
    black ?-?list
    block ?-?list
    listed\b(?<!not listed)
    rbl
    dnsbl
    dns list
    spamhaus
    spamcop
    sorbs
    barracuda
    abuseat
    blackhole
    sbl\b
    xbl\b
    pbl\b
    cbl\b
    zen\b
    css\b
    banned
    our list\b
    found (?:in|on) \S{0,40}\.
    spammer list
    """
)
RATE = either(
    r"""
    rate[- ]?limit
    limited
    throttl
    too (?:many|much|fast|frequent)
    unusual rate
    unexpected volume
    frequency
    exceed
    concurren
    rate of\b
    limits? (?:for|on|of|has|is)
    per (?:hour|minute|day|second)
    temporarily deferred
    permanently deferred
    traffic shap
    high volume
    simultaneous
    message rate
    connection (?:limit|rate)
    server busy
    slow down
    hourly
    daily
    """
)
LIST = either(
    r"""
    block(?:ed|s|ing)?\b
    reputation
    denied
    refus
    reject
    abus
    dynamic
    residential
    dial-?up
    not accept
    no longer accept
    local policy
    policy reasons
    compromised
    infected
    botnet
    open (?:relay|proxy)
    unsolicited
    spam
    suspicious
    weren't sent
    were not sent
    a problem occurred
    attack
    hvu:
    rly:
    rtr:
    dyn:
    not allowed
    unblock
    suspended
    prohibit
    poor
    bad (?:sender|ip|reputation)
    delist
    removal
    access
    not authori[sz]ed to send email directly
    do not accept
    don't accept
    not (?:currently )?accepting
    disallowed
    intrusion prevention
    dropped
    not welcome
    bloqu[ea]
    gesperrt
    차단
    黑名单
    """
)

# What speaks of the client holds one of these; most replies about mailboxes do not.
HINTS: Final = (
    "dns",
    "ptr",
    "addr.arpa",
    "resolv",
    "verif",
    "forged",
    "generic",
    "found",
    "lookup",
    "greyl",
    "grayl",
    "grey l",
    "gray l",
    "countr",
    "geo",
    "region",
    "nation",
    "black",
    "block",
    "listed",
    "rbl",
    "spam",
    "sorbs",
    "barracuda",
    "abuseat",
    "banned",
    "cbl",
    "sbl",
    "xbl",
    "pbl",
    "zen",
    "css",
    "host",
    "postgr",
    "sqlgr",
    "our list",
    "reverse",
)
KINDS: Final = (
    ("rdns", RDNS),
    ("greylist", GREY),
    ("geo", GEO),
    ("list", NAMED_LIST),
    ("rate", RATE),
    ("list", LIST),
)
