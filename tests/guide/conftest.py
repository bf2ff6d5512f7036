"""What the tests of the guide share: the portal's desk, DNS and registry."""

from tests.delisting.conftest import dns as dns
from tests.delisting.conftest import own_feeds as own_feeds
from tests.delisting.conftest import registry as registry
