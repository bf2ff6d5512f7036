"""The blocklists that replies name, and where each of them takes an address off.

Data only: to know another list is to add a row.  Rows are tried in order, so the particular
stands before the general, and whoever keeps a list for others before those who use one.
"""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Blocklist:
    """A list by the name people know it by, lower-case ``words`` that a reply names it with, and
    the ``page`` where its operator takes requests ("" where there is none)."""

    name: str
    words: tuple[str, ...]
    page: str


LISTS: Final = (
    Blocklist(
        "Spamhaus ZEN",
        ("zen.spamhaus", "zen.dnsbl.spamhaus", "zen.dq.spamhaus"),
        "https://check.spamhaus.org/",
    ),
    Blocklist(
        "Spamhaus DBL",
        ("dbl.spamhaus", "spamhaus.org/query/domain"),
        "https://check.spamhaus.org/",
    ),
    Blocklist(
        "Spamhaus PBL",
        ("pbl.spamhaus", "spamhaus pbl", "query/pbl", "spamhaus.org/pbl"),
        "https://check.spamhaus.org/",
    ),
    Blocklist(
        "Spamhaus CSS",
        ("css.spamhaus", "spamhaus css", "spamhaus.org/css"),
        "https://check.spamhaus.org/",
    ),
    Blocklist(
        "Spamhaus SBL",
        ("sbl.spamhaus", "spamhaus sbl", "query/sbl", "spamhaus.org/sbl", "sbl-xbl"),
        "https://check.spamhaus.org/",
    ),
    Blocklist(
        "Spamhaus XBL",
        ("xbl.spamhaus", "spamhaus xbl", "cbl.abuseat", "abuseat.org"),
        "https://check.spamhaus.org/",
    ),
    Blocklist("Spamhaus", ("spamhaus",), "https://check.spamhaus.org/"),
    Blocklist("Abusix", ("abusix",), "https://lookup.abusix.com/"),
    Blocklist("SpamCop", ("spamcop",), "https://www.spamcop.net/bl.shtml"),
    Blocklist("Barracuda", ("barracuda",), "https://www.barracudacentral.org/rbl/removal-request"),
    Blocklist("SORBS", ("sorbs",), ""),
    Blocklist("UCEPROTECT", ("uceprotect",), "https://www.uceprotect.net/en/rblcheck.php"),
    Blocklist("Backscatterer", ("backscatterer",), "https://www.backscatterer.org/"),
    Blocklist("PSBL", ("psbl",), "https://psbl.org/remove"),
    Blocklist("Mailspike", ("mailspike",), "https://mailspike.io/ip_verify"),
    Blocklist("SpamRATS", ("spamrats",), "https://spamrats.com/removal.php"),
    Blocklist(
        "Hostkarma",
        ("hostkarma", "junkemailfilter"),
        "https://ipadmin.junkemailfilter.com/",
    ),
    Blocklist("DroneBL", ("dronebl",), "https://dronebl.org/lookup"),
    Blocklist("blocklist.de", ("blocklist.de",), "https://www.blocklist.de/en/delist.html"),
    Blocklist("GBUdb Truncate", ("gbudb",), "https://www.gbudb.com/truncate/"),
    Blocklist("NiX Spam", ("ix.dnsbl.manitu", "nixspam"), "https://www.nixspam.net/"),
    Blocklist("WPBL", ("wpbl",), "https://wpbl.info/"),
    Blocklist("Spam Eating Monkey", ("spameatingmonkey",), "https://spameatingmonkey.com/lookup"),
    Blocklist("SURBL", ("surbl",), "https://surbl.org/surbl-analysis"),
    Blocklist("URIBL", ("uribl",), "https://lookup.uribl.com/"),
    Blocklist("Invaluement", ("invaluement",), "https://www.invaluement.com/removal/"),
    Blocklist("Lashback", ("lashback",), "https://blacklist.lashback.com/"),
    Blocklist("Sender Score", ("senderscore", "returnpath"), "https://senderscore.org/"),
    Blocklist("Mimecast", ("mimecast",), "https://community.mimecast.com/"),
    Blocklist("Cloudmark", ("cloudmark", "cmsmtp"), "https://csi.cloudmark.com/en/reset/"),
    Blocklist("Proofpoint", ("proofpoint", "pphosted"), "https://ipcheck.proofpoint.com/"),
    Blocklist(
        "Trend Micro",
        ("trend micro", "trendmicro", "mail-abuse.com"),
        "https://servicecentral.trendmicro.com/en-us/ers/ip-lookup/",
    ),
    Blocklist(
        "Symantec",
        ("symantec", "brightmail", "messagelabs"),
        "https://ipremoval.sms.symantec.com/",
    ),
    Blocklist(
        "Cisco Talos",
        ("senderbase", "talosintelligence", "ironport"),
        "https://talosintelligence.com/reputation_center/",
    ),
    Blocklist("McAfee", ("trustedsource", "mcafee"), "https://www.trustedsource.org/"),
    Blocklist(
        "Microsoft 365",
        ("sender.office.com", "delist@", "protection.outlook", "microsoft"),
        "https://sender.office.com/",
    ),
    Blocklist(
        "Outlook.com",
        ("s3140", "s3150", "mail.live.com", "postmaster.live", "hotmail", "outlook.com"),
        "https://olcsupport.office.com/",
    ),
    Blocklist("Yahoo", ("yahoo", "[ts0", "[tss0", "[bl2"), "https://senders.yahooinc.com/"),
    Blocklist(
        "Gmail",
        ("gsmtp", "support.google", "gmail"),
        "https://support.google.com/mail/contact/msgdelivery",
    ),
    Blocklist("Apple iCloud", ("icloud", "support.apple.com"), "https://support.apple.com/102322"),
    Blocklist("GMX and WEB.DE", ("gmx.", "web.de"), "https://postmaster.gmx.net/"),
    Blocklist("T-Online", ("t-online", "tosa@"), "https://postmaster.t-online.de/"),
    Blocklist("Comcast", ("comcast", "xfinity"), "https://postmaster.comcast.net/"),
    Blocklist(
        "AT&T",
        ("att.net", "att-mail", "abuse-att", "attrbl", "sbcglobal"),
        "https://att.net/blocks",
    ),
    Blocklist("Cox", ("cox.net", "cxbl", "cxcnct", "cxdns"), "https://postmaster.cox.net/"),
    Blocklist("Tencent QQ", ("mail.qq.com",), "https://service.mail.qq.com/"),
    Blocklist("Orange", ("orange.fr", "ofr_", "wanadoo"), "https://postmaster.orange.fr/"),
    Blocklist("La Poste", ("laposte.net", "lpn0"), "https://postmaster.laposte.net/"),
)

_USED = re.compile(
    r"(?:blocked using|blocked by|listed in|listed at|listed on|listed by|found in|blacklisted by"
    r"|in an rbl on|in a black list at|blackhole site|list provider|rbl:|dnsbl:|lookup site)"
    r"[\s'\"<\[(:]{1,3}(?P<zone>[a-z0-9][a-z0-9-]{0,62}(?:\.[a-z0-9-]{1,63}){1,6})"
)


def named_in(text: str) -> Blocklist | None:
    """The blocklist that a reply names, else the one whose words these are; None if neither.

    A list that this table does not know is returned under the name of its zone, without a page.
    """
    low = text[:4000].lower()
    used = _USED.search(low)
    said = used["zone"] if used else low
    for row in LISTS:
        if any(word in said for word in row.words):
            return row
    return Blocklist(said, (), "") if used else None


def by_name(name: str) -> Blocklist | None:
    """The row with this display name."""
    return next((row for row in LISTS if row.name == name), None)
