"""Received lines as servers write them, and as senders would like them to be read."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abuse.hops import LONGEST, MOST, Hop, hops

DATE = "Thu, 26 Nov 2026 09:00:00 +0000"
AT = "2026-11-26T09:00:00+00:00"
SECONDS = 2.0


def one(line: str) -> Hop:
    [hop] = hops(f"Received: {line}\nFrom: x\n")
    return hop


WRITTEN = {
    "Postfix": (
        "from out.clinic.example (out.clinic.example [192.0.2.10])\n"
        "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\n"
        "\t key-exchange X25519 server-signature RSA-PSS (2048 bits))\n"
        "\t(No client certificate requested)\n"
        "\tby mx.far.example (Postfix) with ESMTPS id 4Xy\n\tfor <pat@far.example>; " + DATE,
        Hop("192.0.2.10", "out.clinic.example", "mx.far.example", AT),
    ),
    "Postfix, no name": (
        "from out.clinic.example (unknown [192.0.2.10]) by mx.far.example (Postfix) with ESMTP"
        f" id 4Xy; {DATE} (UTC)",
        Hop("192.0.2.10", "out.clinic.example", "mx.far.example", AT),
    ),
    "Postfix, IPv6": (
        f"from a.example (unknown [IPv6:2001:DB8::0:25]) by mx.far.example (Postfix); {DATE}",
        Hop("2001:db8::25", "a.example", "mx.far.example", AT),
    ),
    "Postfix, a user": (
        "from [10.0.0.7] (unknown [192.0.2.10])\n\t(Authenticated sender: sam@clinic.example)\n"
        f"\tby out.clinic.example (Postfix) with ESMTPSA id 4Xy; {DATE}",
        Hop("192.0.2.10", "10.0.0.7", "out.clinic.example", AT),
    ),
    "Exim": (
        "from out.clinic.example ([192.0.2.10] helo=clinic)\n"
        f"\tby mx.far.example with esmtps (TLS1.3) (Exim 4.96) id 1r7; {DATE}",
        Hop("192.0.2.10", "out.clinic.example", "mx.far.example", AT),
    ),
    "Exim, no name": (
        f"from [192.0.2.10] (port=4711 helo=clinic) by mx.far.example with esmtp id 1r7; {DATE}",
        Hop("192.0.2.10", "192.0.2.10", "mx.far.example", AT),
    ),
    "Exim, no name and the same HELO": (
        f"from [192.0.2.10] by mx.far.example with esmtp (Exim 4.96) id 1r7; {DATE}",
        Hop("192.0.2.10", "192.0.2.10", "mx.far.example", AT),
    ),
    "Exchange": (
        "from out.clinic.example (192.0.2.10) by\n EX01.far.example (10.0.0.4) with Microsoft SMTP"
        f" Server\n (version=TLS1_2, cipher=X) id 15.2.1118.7 via Frontend Transport; {DATE}",
        Hop("192.0.2.10", "out.clinic.example", "ex01.far.example", AT),
    ),
    "Exchange, IPv6": (
        "from A.prod.example (2603:10a6:20b:3::16)\n by B.prod.example (2603:10a6:10:2::20) with"
        f" Microsoft SMTP Server (version=TLS1_2) id 15.20; {DATE}",
        Hop("2603:10a6:20b:3::16", "a.prod.example", "b.prod.example", AT),
    ),
    "Gmail": (
        "from out.clinic.example (out.clinic.example. [192.0.2.10])\n        by mx.far.example with"
        " ESMTPS id a1-2si\n        for <pat@far.example>\n        (version=TLS1_3 cipher=X"
        " bits=256/256);\n        Thu, 26 Nov 2026 01:00:00 -0800 (PST)",
        Hop("192.0.2.10", "out.clinic.example", "mx.far.example", "2026-11-26T01:00:00-08:00"),
    ),
    "Gmail, inside": (
        f"by 2002:a05:6a10:dd02:b0:4f5 with SMTP id x1csp; {DATE}",
        Hop("", "", "2002:a05:6a10:dd02:b0:4f5", AT),
    ),
    "qmail": (
        "from unknown (HELO clinic) (192.0.2.10)\n  by mx.far.example with SMTP;"
        " 26 Nov 2026 09:00:00 -0000",
        Hop("192.0.2.10", "unknown", "mx.far.example", "2026-11-26T09:00:00"),
    ),
    "qmail, ident": (
        "from out.clinic.example (HELO clinic) (root@192.0.2.10)\n  by mx.far.example with SMTP",
        Hop("192.0.2.10", "out.clinic.example", "mx.far.example", ""),
    ),
    "qmail, inside": (
        "(qmail 4711 invoked from network); 26 Nov 2026 09:00:00 -0000",
        Hop("", "", "", "2026-11-26T09:00:00"),
    ),
    "Yahoo": (
        "from 192.0.2.10  (EHLO out.clinic.example) (192.0.2.10)\n  by mx.far.example with SMTPs"
        f" (version=TLS1_3 cipher=X); {DATE}",
        Hop("192.0.2.10", "192.0.2.10", "mx.far.example", AT),
    ),
    "Sendmail": (
        "from clinic (out.clinic.example [192.0.2.10] (may be forged))\n"
        f"\tby mx.far.example (8.17.1/8.17.1) with ESMTPS id 3AQ; {DATE}",
        Hop("192.0.2.10", "clinic", "mx.far.example", AT),
    ),
    "Sendmail, ident": (
        f"from clinic (IDENT:root@out.clinic.example [192.0.2.10])\n\tby mx.far.example; {DATE}",
        Hop("192.0.2.10", "clinic", "mx.far.example", AT),
    ),
    "a local one": (
        f"by out.clinic.example (Postfix, from userid 33) id 4Xy; {DATE}",
        Hop("", "", "out.clinic.example", AT),
    ),
}  # fmt: skip


@pytest.mark.parametrize("server", WRITTEN)
def test_each_server_is_read_in_its_own_manner(server: str) -> None:
    line, expected = WRITTEN[server]
    assert one(line) == expected


# The client was 192.0.2.10, and says that it is 198.51.100.7.
LIES = {
    "Postfix": "from [198.51.100.7] (unknown [192.0.2.10]) by mx.far.example (Postfix)",
    "Postfix, bare": "from 198.51.100.7 (unknown [192.0.2.10]) by mx.far.example (Postfix)",
    "Postfix, its certificate": "from a (unknown [192.0.2.10]) (using TLSv1.3)"
    ' (Client CN "[198.51.100.7]", Issuer "198.51.100.7" (not verified)) by mx.far.example',
    "Postfix, its login": "from a (unknown [192.0.2.10])"
    " (Authenticated sender: [198.51.100.7]) by mx.far.example",
    "Exim": "from [192.0.2.10] (helo=[198.51.100.7]) by mx.far.example with esmtp",
    "Exim, named": "from a.example ([192.0.2.10] helo=[198.51.100.7]) by mx.far.example",
    "Exim, port": "from [192.0.2.10] (port=25 helo=198.51.100.7) by mx.far.example",
    "Exim, IPv6": "from [192.0.2.10] (helo=[IPv6:2001:db8::7]) by mx.far.example",
    "Exim, ident": "from [192.0.2.10] (helo=a ident=[198.51.100.7]) by mx.far.example",
    "Exchange": "from [198.51.100.7] (192.0.2.10) by EX.far.example (10.0.0.4) with Microsoft",
    "Exchange, bare": "from 198.51.100.7 (192.0.2.10) by EX.far.example (10.0.0.4)",
    "qmail": "from unknown (HELO 198.51.100.7) (192.0.2.10) by mx.far.example with SMTP",
    "qmail, literal": "from unknown (HELO [198.51.100.7]) (192.0.2.10) by mx.far.example",
    "qmail, safe": "from unknown (HELO ?198.51.100.7?) (192.0.2.10) by mx.far.example",
    "Yahoo": "from 192.0.2.10 (EHLO [198.51.100.7]) (192.0.2.10) by mx.far.example",
    "Sendmail": "from [198.51.100.7] (out.clinic.example [192.0.2.10]) by mx.far.example (8.17)",
    "Sendmail, ident": "from a (IDENT:[198.51.100.7]@a.example [192.0.2.10]) by mx.far.example",
    "the taker": "from a (a.example [192.0.2.10]) by mx.far.example ([198.51.100.7])",
    "by in a remark": "from a (sent by x [192.0.2.10]) by mx.far.example ([198.51.100.7])",
}


@pytest.mark.parametrize("server", LIES)
def test_what_a_client_says_of_itself_is_not_its_address(server: str) -> None:
    hop = one(f"{LIES[server]}; {DATE}")
    assert hop.address == "192.0.2.10"
    assert hop.by in {"mx.far.example", "ex.far.example"}


@pytest.mark.parametrize(
    "line",
    [
        "from 198.51.100.7 by mx.far.example",
        "from unknown (HELO 198.51.100.7) by mx.far.example",
        "from a (helo=[198.51.100.7]) by mx.far.example",
        "from a (999.0.2.1) by mx.far.example",
        "from a ([::ffff:]) by mx.far.example",
        "from a ([fe80::1%eth0]) by mx.far.example",
        "([198.51.100.7]) by mx.far.example",
        "",
        ";;;",
        "from by by from",
        "((((((((((",
    ],
)
def test_a_line_that_names_no_client_names_none(line: str) -> None:
    assert one(line).address == ""


def test_ipv4_inside_ipv6_is_ipv4() -> None:
    assert one("from a (a [IPv6:::ffff:192.0.2.10]) by b").address == "192.0.2.10"


def test_a_date_that_is_none_is_left_out() -> None:
    for text in ("yesterday", "Thu, 99 Nov 2026 09:00:00 +0000", "9" * 900, "26 Nov 99999999"):
        assert one(f"from a (a [192.0.2.10]) by b; {text}").at == ""


def test_the_last_hop_comes_first_and_other_fields_are_none() -> None:
    head = (
        "X-Received: from x ([198.51.100.7]) by x\nReceived: from a ([192.0.2.1]) by b\n"
        "Received-SPF: pass\nRECEIVED : from c ([192.0.2.2]) by d\n"
        " Received: from e ([192.0.2.3])\n"
    )
    assert [hop.address for hop in hops(head)] == ["192.0.2.1", "192.0.2.2"]


def test_of_many_hops_the_topmost_are_read() -> None:
    head = "".join(f"Received: from a ([192.0.2.{n % 250}]) by b\n" for n in range(5000))
    found = hops(head)
    assert (len(found), found[0].address) == (MOST, "192.0.2.0")


def test_behind_its_bound_a_line_is_not_read() -> None:
    filler = "x " * (LONGEST // 4) + "\n " + "x " * (LONGEST // 4)
    assert one(f"from a {filler}([192.0.2.10]) by b").address == ""
    assert one(f"from a ([192.0.2.10]) by b {filler}").address == "192.0.2.10"


HOSTILE = ["(", ")", "()", "(()", "(a", "[", "[1", "from ", " by ", "helo=", "((a)", "\n ", "\n\t(",
           "a@", ";", "1.", ":", "received:", "\nreceived:", "(" * 90 + ")" * 45]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_lines_made_to_hurt_are_read_in_time(piece: str) -> None:
    head = "".join(
        f"Received: {start}{piece * (LONGEST // len(piece))}\n"
        for start in ("from a ", "from a (", "")
        for _ in range(MOST // 3)
    )
    started = time.process_time()
    hops(head)
    hops(f"Received: from a {piece * (256 * 1024 // len(piece))}")
    assert time.process_time() - started < SECONDS


PIECES = st.sampled_from(
    ["from ", " by ", "(", ")", "[", "]", "192.0.2.10", "IPv6:", "::1", "helo=", "HELO ", ";",
     DATE, "\n ", "\n", "a.example", "é", "\x00", "\ud800", "@", " "]
)  # fmt: skip


@given(st.lists(PIECES, max_size=30).map("".join))
@settings(max_examples=300)
def test_no_line_raises(line: str) -> None:
    for hop in hops(f"Received: {line}\n"):
        assert hop.address in {"", "192.0.2.10", "::1", "::"} or ":" in hop.address


@given(st.text(max_size=200))
@settings(max_examples=200)
def test_no_text_raises(text: str) -> None:
    hops(text)
    hops(f"Received: {text}")
