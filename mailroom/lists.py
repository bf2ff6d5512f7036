"""The blocklists that replies name, and where each of them takes an address off.

Data only: to know another list is to add a row.  ``pattern`` is searched in lower-case text;
rows are tried in order, so the particular stands before the general.
"""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Blocklist:
    """A list by the name people know it by; ``page`` is where its operator takes requests."""

    name: str
    pattern: str
    page: str


LISTS: Final = (
    Blocklist("Spamhaus ZEN", r"zen\.(?:dnsbl\.)?spamhaus|zen\.dq\.spamhaus",
              "https://check.spamhaus.org/"),
    Blocklist("Spamhaus SBL-XBL", r"sbl-xbl\.spamhaus", "https://check.spamhaus.org/"),
    Blocklist("Spamhaus DBL", r"\bdbl\.spamhaus|query/domain/", "https://check.spamhaus.org/"),
    Blocklist("Spamhaus PBL", r"\bpbl\.spamhaus|spamhaus pbl|query/pbl|spamhaus\.org/pbl",
              "https://check.spamhaus.org/"),
    Blocklist("Spamhaus CSS", r"spamhaus css|\bcss\.spamhaus|spamhaus\.org/css",
              "https://check.spamhaus.org/"),
    Blocklist("Spamhaus XBL", r"\bxbl\.spamhaus|spamhaus xbl", "https://check.spamhaus.org/"),
    Blocklist("Spamhaus SBL", r"\bsbl\.spamhaus|spamhaus sbl|query/sbl|spamhaus\.org/sbl",
              "https://check.spamhaus.org/"),
    Blocklist("Abusix", r"abusix|mail\.abusix\.zone", "https://lookup.abusix.com/"),
    Blocklist("CBL", r"cbl\.abuseat|abuseat\.org", "https://check.spamhaus.org/"),
    Blocklist("Spamhaus", r"spamhaus", "https://check.spamhaus.org/"),
    Blocklist("SpamCop", r"spamcop", "https://www.spamcop.net/bl.shtml"),
    Blocklist("Barracuda", r"barracuda(?:central|networks|\b)",
              "https://www.barracudacentral.org/rbl/removal-request"),
    Blocklist("SORBS", r"\bsorbs", ""),
    Blocklist("UCEPROTECT", r"uceprotect", "https://www.uceprotect.net/en/rblcheck.php"),
    Blocklist("Backscatterer", r"backscatterer\.org", "https://www.backscatterer.org/"),
    Blocklist("PSBL", r"\bpsbl\b|psbl\.surriel", "https://psbl.org/remove"),
    Blocklist("Mailspike", r"mailspike", "https://mailspike.io/ip_verify"),
    Blocklist("SpamRATS", r"spamrats", "https://spamrats.com/removal.php"),
    Blocklist("Hostkarma", r"hostkarma|junkemailfilter", "https://ipadmin.junkemailfilter.com/"),
    Blocklist("DroneBL", r"dronebl", "https://dronebl.org/lookup"),
    Blocklist("blocklist.de", r"blocklist\.de", "https://www.blocklist.de/en/delist.html"),
    Blocklist("s5h", r"all\.s5h\.net", "https://www.usenix.org.uk/content/rbl.html"),
    Blocklist("GBUdb Truncate", r"truncate\.gbudb", "https://www.gbudb.com/truncate/"),
    Blocklist("NiX Spam", r"ix\.dnsbl\.manitu|nixspam", "https://www.nixspam.net/"),
    Blocklist("WPBL", r"wpbl\.info|\bwpbl\b", "https://wpbl.info/"),
    Blocklist("SpamEatingMonkey", r"spameatingmonkey", "https://spameatingmonkey.com/lookup"),
    Blocklist("SURBL", r"\bsurbl", "https://surbl.org/surbl-analysis"),
    Blocklist("URIBL", r"\buribl", "https://lookup.uribl.com/"),
    Blocklist("Invaluement", r"invaluement", "https://www.invaluement.com/removal/"),
    Blocklist("Lashback", r"lashback", "https://blacklist.lashback.com/"),
    Blocklist("Sender Score", r"senderscore|return ?path|validity", "https://senderscore.org/"),
    Blocklist("Cloudmark", r"cloudmark|\bcsi\.|cmsmtp", "https://csi.cloudmark.com/en/reset/"),
    Blocklist("Proofpoint", r"proofpoint|pphosted", "https://ipcheck.proofpoint.com/"),
    Blocklist("Trend Micro", r"trend ?micro|mail-abuse\.com|\bers\.",
              "https://servicecentral.trendmicro.com/en-us/ers/ip-lookup/"),
    Blocklist("Symantec", r"symantec|brightmail|messagelabs",
              "https://ipremoval.sms.symantec.com/"),
    Blocklist("Cisco Talos", r"senderbase|talosintelligence|ironport|\btalos\b",
              "https://talosintelligence.com/reputation_center/"),
    Blocklist("McAfee", r"trustedsource|mcafee", "https://www.trustedsource.org/"),
    Blocklist("Mimecast", r"mimecast", "https://community.mimecast.com/"),
    Blocklist("Microsoft 365", r"sender\.office\.com|delist@|protection\.outlook|banned send",
              "https://sender.office.com/"),
    Blocklist("Outlook.com", r"s3140|s3150|mail\.live\.com|postmaster\.live|hotmail|outlook\.com",
              "https://olcsupport.office.com/"),
    Blocklist("Yahoo", r"yahoo|\[ts{1,2}\d\d\]|\[bl2\d\]", "https://senders.yahooinc.com/"),
    Blocklist("Gmail", r"gsmtp|google\.com|gmail", "https://support.google.com/mail/contact/msgdelivery"),
    Blocklist("Apple iCloud", r"icloud|support\.apple\.com|\[cs\d\d\]",
              "https://support.apple.com/102322"),
    Blocklist("GMX and WEB.DE", r"gmx\.|web\.de", "https://postmaster.gmx.net/"),
    Blocklist("T-Online", r"t-online|tosa@", "https://postmaster.t-online.de/"),
    Blocklist("Comcast", r"comcast|xfinity", "https://postmaster.comcast.net/"),
    Blocklist("AT&T", r"\batt\.net|att-mail|abuse-att|attrbl|sbcglobal", "https://att.net/blocks"),
    Blocklist("Cox", r"\bcox\.net|\bcox\b", "https://postmaster.cox.net/"),
    Blocklist("Tencent QQ", r"mail\.qq\.com", "https://service.mail.qq.com/"),
    Blocklist("Orange", r"orange\.fr|\bofr_|wanadoo", "https://postmaster.orange.fr/"),
    Blocklist("La Poste", r"laposte\.net|\blpn\d", "https://postmaster.laposte.net/"),
)

_COMPILED: Final = tuple((re.compile(row.pattern), row) for row in LISTS)
_USED = re.compile(
    r"(?:blocked (?:using|by)|listed (?:in|at|on|by)|found in|blacklisted (?:by|at|in)"
    r"|(?:in|on) (?:a|an|the) (?:rbl|dnsbl|black ?list|block ?list) (?:on|at|provider)|blackhole site"
    r"|list provider|rbl:|dnsbl:|lookup site|bl:)[\s'\"<\[(:]{1,3}"
    r"(?P<zone>[a-z0-9][a-z0-9-]{0,62}(?:\.[a-z0-9-]{1,63}){1,6})"
)


def named_in(text: str) -> Blocklist | None:
    """The blocklist that a reply names, else the one whose words these are; None if neither.

    A list that this table does not know is returned under the name of its zone, without a page.
    """
    low = text[:4000].lower()
    used = _USED.search(low)
    if used:
        for pattern, row in _COMPILED:
            if pattern.search(used["zone"]):
                return row
        return Blocklist(used["zone"], "", "")
    for pattern, row in _COMPILED:
        if pattern.search(low):
            return row
    return None


def by_name(name: str) -> Blocklist | None:
    """The row with this display name."""
    return next((row for row in LISTS if row.name == name), None)
