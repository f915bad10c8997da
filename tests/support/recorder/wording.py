"""Sentences of the real Consul that Lictor says in words of its own.

A protocol fixes keys, states and identifiers. What is written for a person to read is each product's own; of such a
text only its presence is compared. Error texts are told by their status (see `verdict.py`); the rest is listed here.
"""

import re

_SENTENCES = (
    r"Agent alive and reachable",
    r"HTTP \w+ \S+: .*",
    r'Get "http.*',
    r"dial tcp .*",
    r"TCP connect .*: Success",
    r"Timed out \(.*",
    r"fork/exec .*",
    r"TTL expired.*",
    r"All checks passing\.",
    r"No checks found\.",
    r"Aliased check .* failing: .*",
    r"Service .* could not be found on node .*",
    r"Maintenance mode is enabled for this .*",
    r"ACLs disabled, access is allowed by default",
    r"Matched intention: .*",
    r"Service\w+ \w+ [nN]ot [fF]ound",
    r"<a href=.*",
)
_ANY_SENTENCE = re.compile("|".join(f"(?:{sentence})" for sentence in _SENTENCES), re.DOTALL)


def is_own_wording(text: str) -> bool:
    """Whether the real Consul said this for a person to read."""
    return _ANY_SENTENCE.fullmatch(text) is not None
