"""Access control at the agent: the tokens it has, and what any token may do here.

What may enter: slots of tokens and their file, the cache of what tokens come to, the judgements that only an agent can
make. What may not: how rules are judged (core's `acl`), what the servers judge.
"""
