"""Membership under faults: the production tables and digests, with a network, clock and faults that a seed decides.

`world` moves everything, `actors` are its servers and agents, `canaries` are tables with planted mistakes, each of
which must be caught. An agent is *well* as long as its process runs and can reach servers: no such one is ever
shown as failed. Whoever is not must be, soon, and nobody who left may come back.
"""
