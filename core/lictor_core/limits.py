"""The bounds that several rooms share. Consul's default where Consul has one (architecture, decision 15)."""

from typing import Final

PORT_MAX: Final = 65_535
KV_VALUE_BYTES_MAX: Final = 512 * 1024
"""Largest value of a key; Consul's `kv_max_value_size`."""
KV_KEY_BYTES_MAX: Final = 8 * 1024
"""Longest key. Consul has no bound of its own here; a request line holds no more."""
BODY_BYTES_MAX: Final = 1024 * 1024
"""Largest request body of any endpoint but `/v1/kv` (whose bound is on the value) and snapshots."""
CHECK_OUTPUT_BYTES_MAX: Final = 4096
"""Kept output of one check; Consul's `check_output_max_size`."""
WAIT_DEFAULT_S: Final = 300.0
"""How long a blocking query waits when it does not say."""
WAIT_MAX_S: Final = 600.0
"""The longest a blocking query waits before jitter."""
WAIT_JITTER_FRACTION: Final = 16
"""A blocking query waits up to `wait / 16` longer, at random, so that watchers do not return together."""
META_PAIRS_MAX: Final = 64
META_KEY_CHARS_MAX: Final = 128
META_VALUE_CHARS_MAX: Final = 512
"""Metadata of nodes, services and intentions: Consul's bounds."""
INTENTION_DESCRIPTION_CHARS_MAX: Final = 512
"""Longest description of an intention; Consul's bound."""
LEAF_TTL_MIN_S: Final = 3600.0
LEAF_TTL_MAX_S: Final = 8760 * 3600.0
"""Consul's bounds for the life of leaf certificates: an hour to a year."""
CA_FILES_MAX: Final = 1000
"""Files of certificates in a directory such as `ca_path`."""
NESTING_MAX: Final = 64
"""Levels of mappings and lists in a JSON value of a client. Whoever compares, copies or encodes values does it by
recursion, and must get to the end wherever it was called from, on every server alike."""
BLOCKED_QUERIES_MAX: Final = 50_000
"""Blocking queries waiting in one process; one more is refused with 429."""
COMMAND_BYTES_MAX: Final = 1024 * 1024
"""Largest command in the log; must stay below a Raft batch."""
STATE_BYTES_MAX: Final = 512 * 1024 * 1024
"""Largest state that a snapshot may be restored from: it is held in memory until the last byte of it has come."""
ARCHIVE_BYTES_MAX: Final = STATE_BYTES_MAX
"""Largest snapshot file that is taken from a client."""
RESTORE_PIECE_BYTES_MAX: Final = COMMAND_BYTES_MAX // 2
"""Bytes of a snapshot that travel through the log in one command."""
SESSION_TTL_MIN_S: Final = 10.0
SESSION_TTL_MAX_S: Final = 86_400.0
"""The bounds of a session's TTL; Consul's, whose lower one is its `session_ttl_min`."""
LOCK_DELAY_DEFAULT_S: Final = 15.0
LOCK_DELAY_MAX_S: Final = 60.0
"""How long a key cannot be locked after the session that held it ended; more than the maximum counts as that."""
EVENT_BYTES_MAX: Final = 512
"""Size of an event with its name, filters and payload, as it is packed; Consul's bound for what gossip carries."""
EVENTS_KEPT_MAX: Final = 256
"""The newest events, which can be listed; Consul's number."""
FILTER_CHARS_MAX: Final = 8 * 1024
"""Longest filter expression. Consul has no bound of its own; a request line holds no more."""
FILTER_DEPTH_MAX: Final = 64
"""How deep "not" and "and" within "or" may nest in a filter."""
FILTER_PATTERNS_MAX: Final = 16
"""Regular expressions in one filter; each may take memory of its own."""
FILTERS_KEPT_MAX: Final = 128
"""Filters that a process keeps ready; any other one is read anew."""
