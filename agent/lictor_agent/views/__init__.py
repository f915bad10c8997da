"""Views of an agent without a server: answers that are kept and follow the servers, for DNS, `?cached` and proxies.

What may enter: which views there are, how they are fed and for how long, how old they are. What may not: how a view is
made of what comes (core's `view`), which server it comes from (`remote`).
"""

from lictor_agent.views.addresses import AddressBook
from lictor_agent.views.catalog import ViewCatalog
from lictor_agent.views.kept import KeptInViews
from lictor_agent.views.settings import ViewSettings
from lictor_agent.views.store import ViewStore

__all__ = ["AddressBook", "KeptInViews", "ViewCatalog", "ViewSettings", "ViewStore"]
