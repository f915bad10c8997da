"""Names to answers: the registry as DNS.

A query passes `question` (bytes to question), `names` (what the name means), `resolve` with `finder` and `reach` (what
the catalog says of it), `render` (answer to bytes, within what the client takes). `cache` keeps the bytes, `late` waits
for what is not here yet, `recursion` asks others, `listener` with `udp` and `tcp` carries the bytes. `explain` says why
a question is answered as it is.

What may enter: a `CatalogView`, settings, clock, chance, log. What may not: other rooms but core; anything that waits
between a question and its answer; I/O outside the sockets' modules.
"""

from lictor_dns.asked import Asked, worded
from lictor_dns.listener import DnsServer
from lictor_dns.settings import DnsSettings, SoaSettings

__all__ = ["Asked", "DnsServer", "DnsSettings", "SoaSettings", "worded"]
