"""Attackers and doors: who tries what where, and how it ends (`matrix`). Real processes, real sockets.

Each cell is an attack, which raises nothing when the attacker was refused as expected, or the reason why that attacker
has nothing to try at that door. Beside each door stands a visitor who is let in: else a refusal proved nothing.
"""
