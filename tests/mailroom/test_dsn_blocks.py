"""Which address a reply refuses: the forms receivers use, and the traps among them."""

import pytest

from mailroom.blocks import Block, block_in

A = "192.0.2.17"
B = "198.51.100.9"
V6 = "2001:db8:5::25"

NAMED = [
    (
        f"554 5.7.1 Service unavailable; Client host [{A}] blocked using zen.spamhaus.org; "
        f"https://www.spamhaus.org/query/ip/{A}",
        "list",
    ),
    (
        f"554 5.7.1 Service unavailable; Unverified Client host [mx.sender.example] blocked using "
        f"b.barracudacentral.org; http://www.barracudanetworks.com/reputation/?pr=1&ip={A}",
        "list",
    ),
    (f"550 5.7.1 Mail from {A} refused by blackhole site bl.example.net", "list"),
    (f"550 5.7.1 Rejected: {A} listed at psbl.surriel.com", "list"),
    (f"550-{A} is listed in zen.spamhaus.org\n550 see https://check.spamhaus.org/{A}", "list"),
    (
        f"550-Rejected because {A} is in a black list at bl.spamcop.net\n550 Blocked - see "
        f"https://www.spamcop.net/bl.shtml?{A}",
        "list",
    ),
    (
        f"553 5.3.0 <rcpt@recipient.example>... Spam blocked see: http://spamcop.net/bl.shtml?{A}",
        "list",
    ),
    (
        f"550 Service unavailable; client [{A}] blocked using Trend Micro RBL+. Please see "
        f"http://www.mail-abuse.com/cgi-bin/lookup?ip_address={A}",
        "list",
    ),
    (f"554 5.7.1 <mx.sender.example[{A}]>: Client host rejected: Access denied", "list"),
    (f"554 5.7.1 <unknown[{A}]>: Client host rejected: Blocked by local policy", "list"),
    (
        f"554 mx.recipient.example {A} found on one or more DNSBLs, see "
        "http://postmaster.recipient.example/codes#BL001",
        "list",
    ),
    (f"571 Email from {A} is currently blocked by the anti-spam system", "list"),
    (
        f"553 5.3.0 flpd575 DNSBL:RBL 521< {A} >_is_blocked.For assistance forward this email to "
        "abuse_rbl@recipient.example",
        "list",
    ),
    (
        f"521 5.7.1 {A} blocked by sbc:blacklist.mailrelay.recipient.example. Blocked for abuse",
        "list",
    ),
    (
        f"554-mx.recipient.example (mxgmx101) Nemesis ESMTP Service not available\n554-No SMTP "
        "service\n554-IP address is black listed.\n554 For explanation visit "
        f"http://postmaster.recipient.example/en/error-messages?ip={A}&c=bl",
        "list",
    ),
    (
        f"554 IP=[{A}] - A problem occurred. (Ask your postmaster for help or to contact "
        "tosa@recipient.example to clarify.)",
        "list",
    ),
    (
        f"550 SC-001 (SNT004-MC1F35) Unfortunately, messages from {A} weren't sent. Please contact "
        "your Internet service provider since part of their network is on our block list. You can "
        "also refer your provider to http://mail.live.com/mail/troubleshooting.aspx#errors.",
        "list",
    ),
    (
        f"550 5.7.511 Access denied, banned sender[{A}]. To request removal from this list please "
        "forward this message to delist@recipient.example",
        "list",
    ),
    (
        f"550 5.7.513 Service unavailable, Client host [{A}] blocked by recipient.example using "
        "Customer Block list (AS16012612)",
        "list",
    ),
    (
        f"550 5.7.1 Service unavailable; Client host [{A}] blocked using FBLW15; To request"
        f" removal "
        "from this list please forward this message to delist@recipient.example",
        "list",
    ),
    (f"550 5.7.0 Blocked - see https://ipcheck.proofpoint.com/?ip={A}", "list"),
    (f"550 5.7.1 Your IP address {A} has been blacklisted by our filters", "list"),
    (f"554 Your IP ({A}) is dynamic and not allowed to send mail to us directly", "list"),
    (f"554 5.7.1 Connection refused. IP {A} has a poor reputation", "list"),
    (
        f"550 JunkMail rejected - mx.sender.example [{A}]:40932 is in an RBL, see Blocked - see "
        f"http://www.spamcop.net/bl.shtml?{A}",
        "list",
    ),
    (
        f"550 5.7.1 Connections not accepted from servers without a valid sender domain. "
        f"Fix reverse DNS for {A}",
        "rdns",
    ),
    (f"550 5.7.1 [{A}] Blocked by recipient.example. Contact postmaster", "list"),
    (f"554 Transaction failed; banned {A}, see http://postmaster.recipient.example", "list"),
    (
        f"550-5.7.1 [{A}      12] Our system has detected that this message is\n550-5.7.1 likely "
        "suspicious due to the very low reputation of the sending IP\n550-5.7.1 address. To best "
        "protect our users from spam, the message has been\n550-5.7.1 blocked. Please visit\n550 "
        "5.7.1  https://support.google.com/mail/answer/188131 for more information. x - gsmtp",
        "list",
    ),
    (
        f"550-5.7.1 [{A}      11] The IP you're using to send mail is not authorized to\n550-5.7.1 "
        "send email directly to our servers. Please use the SMTP relay at your\n550 5.7.1 service "
        "provider instead. Learn more at https://support.google.com/mail/answer/10336",
        "list",
    ),
    (
        f"550-5.7.1 [{A}] The IP address sending this message does not have a\n550-5.7.1 PTR"
        " record setup, or the corresponding forward DNS entry does not\n"
        "550 5.7.1 point to the sending IP.",
        "rdns",
    ),
    (
        f"550-5.7.1 [{V6}      16] Our system has detected that this\n550-5.7.1 message does not"
        " meet IPv6 sending guidelines regarding PTR records\n550-5.7.1 and authentication. "
        "Please review\n550 5.7.1 https://support.google.com/mail/?p=IPv6AuthError",
        "rdns",
    ),
    (
        f"421-4.7.0 [{A}      15] Our system has detected an unusual rate of\n421-4.7.0"
        " unsolicited mail originating from your IP address. To protect our\n421 4.7.0 users from "
        "spam, mail sent from your IP address has been temporarily rate limited.",
        "rate",
    ),
    (
        f"421-4.7.28 Gmail has detected an unusual rate of unsolicited mail"
        f" originating\n421-4.7.28 "
        f"from your IP Netblock [{A}      35]. To protect our users from spam, mail\n421 4.7.28"
        f" sent "
        "from your IP Netblock has been temporarily rate limited.",
        "rate",
    ),
    (
        f"421 4.7.0 [TSS04] Messages from {A} temporarily deferred due to unexpected volume or"
        f" user "
        "complaints - 4.16.55.1; see https://postmaster.yahooinc.com/error-codes",
        "rate",
    ),
    (f"421 4.7.0 mx.recipient.example Error: too many connections from {A}", "rate"),
    (f"450 4.7.1 Error: too much mail from {A}", "rate"),
    (
        f"421 4.1.0 {A} Throttled - try again later. Please see"
        f" http://postmaster.recipient.example/"
        "codes#RL000003",
        "rate",
    ),
    (f"421 mx.recipient.example Too many sessions from {A} - CXCNCT", "rate"),
    (
        f"451 4.7.651 The mail server [{A}] has been temporarily rate limited due to IP"
        f" reputation. "
        "For e-mail delivery information, see https://postmaster.live.com (S844)",
        "rate",
    ),
    (f"451 4.7.500 Server busy. Please try again later from [{A}]. (S77714)", "rate"),
    (
        f"450 4.7.1 <mx.sender.example[{A}]>: Client host rejected: Connection rate limit exceeded",
        "rate",
    ),
    (f"550 5.7.508 Access denied, [{V6}] has exceeded permitted limits within IPv6 range", "rate"),
    (
        f"421 RP-001 (BAY0-MC4-F12) Unfortunately, some messages from {A} weren't sent. Please try "
        "again. We have limits for how many messages can be sent per hour and per day.",
        "rate",
    ),
    (f"450 4.7.1 Client host rejected: cannot find your hostname, [{A}]", "rdns"),
    (f"450 4.7.25 Client host rejected: cannot find your hostname, [{V6}]", "rdns"),
    (f"550 5.7.25 The sending IPv6 address [{V6}] must have a reverse DNS record", "rdns"),
    (f"554 5.7.1 The server {A} has no reverse DNS entry, mail is not accepted", "rdns"),
    (f"550 Your host {A} does not have a PTR record, rejected", "rdns"),
    (f"550 5.7.1 <rcpt@recipient.example>... Relaying denied. IP name lookup failed [{A}]", "rdns"),
    (f"550 5.7.1 Access denied. Country CN of {A} is blocked", "geo"),
    (
        f"554 5.7.1 <mx.sender.example[{A}]>: Client host rejected: mail from your country is not "
        "accepted",
        "geo",
    ),
    (f"550 Connection from {A} rejected: GeoIP policy", "geo"),
    (f"451 4.7.1 Greylisting in action for {A}, please come back later", "greylist"),
    (
        f"450 4.2.0 <rcpt@recipient.example>: Recipient address rejected: Greylisted for client "
        f"[{A}], please try again in 300 seconds",
        "greylist",
    ),
    (
        f"550 Connection frequency limited [MDAw= IP: {A}]. "
        "http://service.mail.qq.com/cgi-bin/help?id=20022",
        "rate",
    ),
    (f"550 Ip frequency limited [MDAw= IP: {A}]. http://service.mail.qq.com/cgi-bin/help", "rate"),
    (
        f"554 5.7.1 Service unavailable; Client host [{A}] blocked using zen.spamhaus.org; Error: "
        f"open resolver; https://www.spamhaus.org/returnc/pub/{B}",
        "list",
    ),
    (
        f"host mx.recipient.example[{B}] said: 550 5.7.1 {A} is on our blocklist (in reply to MAIL "
        "FROM command)",
        "list",
    ),
    (
        f"550 5.7.1 Message rejected. {A} listed on Barracuda Reputation Block List. "
        f"http://www.barracudacentral.org/reputation?ip={A}",
        "list",
    ),
    (f"554 5.7.1 ACL dns_rbl; Client host [{V6}] blocked using v6.example=127.0.0.2", "list"),
    (f"550-Blocked: ::ffff:{A} listed in dnsbl.example.org", "list"),
    (f"host mx.recipient.example[{B}] refused to talk to me: 554 5.7.1 {A} is blocked", "list"),
    (f"554-HVU:B2 http://postmaster.example/errors/554hvub2.html\n554 Connecting IP: {A}", "list"),
    (f"550 5.0.0 Your IP [{A}] appears to send spam/viruses thus is being blocked.", "list"),
    (f"550 5.7.1 Delivery refused because of bad reputation of {A}", "list"),
    (f"421 {A} Service not available - too many errors from your ip", "rate"),
    (f"421 4.4.5 Directory harvest attack detected from {A}", "list"),
    (f"550 5.2.1 Mailbox unavailable. Your IP address {A} is blacklisted", "list"),
    (f"450 4.7.1 Reverse DNS lookup failed for {A}", "rdns"),
    (f"554 5.7.1 {A} has exceeded its hourly sending limit", "rate"),
    (f"554 imta.recipient.example comcast {A} Comcast block for spam. Please see x", "list"),
    (
        f"550 5.7.1 We do not accept mail from hosts with dynamic IP or generic DNS PTR-records "
        f"from {A}",
        "rdns",
    ),
    (f"421 4.3.2 {A} Too many connections, slow down", "rate"),
    (f"550 Sender IP address {A} rejected by the recipient's organisation", "list"),
    (
        f"550 5.7.1 Email cannot be delivered. Reason: Email detected as Spam by spam filters. "
        f"Connecting IP {A} blocked",
        "list",
    ),
]

NOTHING = [
    f"550 5.7.1 {A} is not allowed to send from <sender.example> per it's SPF Record",
    f"550-5.7.26 This mail has been blocked because the sender is unauthenticated. SPF "
    f"[sender.example] with ip: [{A}] = did not pass",
    f"550 SPF: {A} is not allowed to send mail from sender.example. Please see "
    f"http://www.openspf.org/Why?scope=mfrom;identity=a@sender.example;ip={A}",
    f"550 5.7.23 The message was rejected because of Sender Policy Framework violation, ip={A}",
    f"550 5.7.1 <rcpt@recipient.example>: Recipient address rejected: Please see "
    f"http://www.openspf.net/Why?s=mfrom;id=a%40sender.example;ip={A};r=mx.recipient.example",
    f"550 5.7.1 Email rejected per DMARC policy for sender.example from {A}",
    f"450 4.7.26 Service does not accept messages sent over IPv6 [{V6}] unless they pass either "
    "SPF or DKIM validation (message not signed)",
    f"554 5.7.1 Service unavailable; Error: open resolver;"
    f" https://www.spamhaus.org/returnc/pub/{B}",
    f"550 5.1.1 RCP-P1 http://postmaster.facebook.com/response_codes?ip={A}#rcp Recipient address "
    "does not exist",
    f"550-5.7.1 [{A}      13] Messages with multiple addresses in From: header are not accepted",
    f"550-5.7.1 [{A}      18] Our system has detected that this message is likely suspicious due"
    f" to "
    "the very low reputation of the sending domain. The message has been blocked.",
    f"550 5.1.1 <rcpt@recipient.example>: Recipient address rejected: User unknown in local "
    f"recipient table (client {A})",
    f"550-mx.sender.example [{A}]:41234 is currently not permitted to relay through this server. "
    "Perhaps you have not logged into the pop/imap server",
    f"550 5.7.1 Unable to relay for rcpt@recipient.example from {A}",
    f"552 5.7.0 Message from {A} rejected: virus found",
    f"550-REJECTED - Blacklisted URL in message. (sender.example) in [black]. 550-H=mx [{A}]",
    f"554 5.7.1 Service unavailable; Helo command [mx.sender.example] blocked using "
    f"dbl.spamhaus.org; {A}",
    f"550 Mail content denied [MDAw= IP: {A}]. http://service.mail.qq.com/cgi-bin/help",
    f"554 DT:SPM 163 smtp12 please see http://mail.163.com/help/help_spam_16.htm?ip={A}&hostid=x",
    f"connect to mx.recipient.example[{B}]:25: Connection timed out",
    f"connect to mx.recipient.example[{B}]:25: Connection refused",
    f"The recipient server did not accept our requests to connect. [mx.example {B}: timed out]",
    f"lost connection with mx.recipient.example[{B}] while performing the EHLO handshake",
    f"host mx.recipient.example[{B}] said: 550 5.7.1 Message blocked by policy",
    "554 5.7.1 Service unavailable; Client host [mx.sender.example] blocked using zen.example",
    "550 5.7.1 Blocked: 127.0.0.2 listed",
    "550 5.7.1 Blocked by filter version 4.16.55.300",
    f"550 5.7.1 <[{A}]>: Helo command rejected: invalid ip address",
    f"550 [{A}] is not allowed to relay through this server",
    f"550 Suspected bulk spam [MDAw= IP: {A}]. http://service.mail.qq.com/cgi-bin/help",
    f"451 4.4.0 Access denied. The last endpoint attempted was {B}:25",
    f"550 5.4.300 Message expired, blocked [{{LED=x}};{{FQDN=mx.example}};{{IP={B}}}]",
    f"delivery temporarily suspended: connect to mx.recipient.example[{B}]:25: No route to host",
    f"lost connection with mx.recipient.example[{B}] while receiving the initial server greeting",
    f"conversation with mx.recipient.example[{B}] timed out while sending, access denied",
    f"550 5.1.8 <a@[{A}]>: sender refused, blocked",
    f"554 5.7.1 Your message was blocked by mail server {B}",
    f"550 message from {A} rejected: bad sender domain",
    f"530 5.7.0 Must issue a STARTTLS command first [{A}]",
    f"550 5.7.64 TenantAttribution; Relay Access Denied [{A}]",
    f"550 5.7.1 Message blocked, DNS server {B} says no",
    f"550 5.7.1 rejected: 5.{A} is listed",
    "550 5.7.1 12:34:56 blocked at 2001:db8",
    f"550 5.7.1 Network {A}/24 is none of our customers, access denied",
    f"552 5.2.0 Suspected spam message rejected - {A}",
    f"550 5.7.1 mx.recipient.example [{B}]: on our list of unwanted content, banned",
    f"550 Bad HELO - Host impersonating [{A}]",
    f"535 5.7.8 Authentication failed from {A}",
    f"550 5.7.1 Denied. Known: {A}, {B}",
    f"550 5.7.1 mx.recipient.example ({B}): your message was blocked",
    f"554 5.7.1 Rejected by our server {B}",
    "",
]

KIND_ALONE = [
    ("550 5.7.1 Blacklisted by zen.spamhaus.org. See http://filter.example/resolve/0-0", "list"),
    ("450 4.2.0 <r@recipient.example>: Client greylisted, try again later", "greylist"),
    ("554 5.7.1 Reverse DNS failed.", "rdns"),
]


@pytest.mark.parametrize(("reply", "kind"), NAMED, ids=range(len(NAMED)))
def test_the_refused_address_is_named(reply: str, kind: str) -> None:
    wanted = V6 if V6 in reply else A

    assert block_in(reply) == Block(wanted, kind)


@pytest.mark.parametrize("reply", NOTHING, ids=range(len(NOTHING)))
def test_an_address_that_is_not_the_reason_is_not_named(reply: str) -> None:
    assert block_in(reply).address == ""


@pytest.mark.parametrize(("reply", "kind"), KIND_ALONE)
def test_the_kind_is_told_where_no_address_is_given(reply: str, kind: str) -> None:
    assert block_in(reply) == Block("", kind)
