"""List files, read line by line and written again: one module a format."""

from listings.formats import plain, rbldnsd, table
from listings.formats.rows import Format

FORMATS: dict[str, Format] = {
    "plain": Format(plain.read, plain.write),
    "csv": Format(table.read, table.write),
    "ip4set": Format(rbldnsd.read_ip4, rbldnsd.write_ip4),
    "ip4trie": Format(rbldnsd.read_ip4, rbldnsd.write_ip4),
    "ip6trie": Format(rbldnsd.read_ip6, rbldnsd.write_ip6),
}
