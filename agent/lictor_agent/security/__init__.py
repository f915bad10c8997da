"""What is open at an agent and in its cluster: facts are gathered, rules find what is open, each with what closes it.

What may enter: facts, pure rules over them, and the one module that gathers. What may not: changing anything.
"""

from lictor_agent.security.facts import CertificateFact, Facts, FileFact
from lictor_agent.security.findings import Finding, Severity, findings

__all__ = ["CertificateFact", "Facts", "FileFact", "Finding", "Severity", "findings"]
