"""Lictor with a planted bug: the index in the condition of a write is one higher in the log than in the version before.

Whoever changes what a number in a record means, say to let 0 stand for none, sees nothing wrong: one version alone
reads what it writes. Between two versions no condition holds: what the former one wrote on a condition, this one leaves
out, when it reads the log after its start and when it follows.

`python tests/jepsen_like/planted/shifted_condition.py agent ...` starts `lictor agent ...`.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from lictor_core import codec
from lictor_core.commands import Command, KVSet, Proposal


def shifted(command: Command, by: int) -> Command:
    """The same command with another index in its condition."""
    if isinstance(command, KVSet) and command.cas is not None:
        return msgspec.structs.replace(command, cas=command.cas + by)
    return command


def plant() -> None:
    """Shift it in all that is written, and back in all that is read. Whoever needs these must import them later."""
    encode: Callable[[Proposal], bytes] = codec.encode_proposal
    decode: Callable[[bytes], Proposal] = codec.decode_proposal

    def encode_proposal(proposal: Proposal) -> bytes:
        return encode(msgspec.structs.replace(proposal, command=shifted(proposal.command, 1)))

    def decode_proposal(data: bytes) -> Proposal:
        proposal = decode(data)
        return msgspec.structs.replace(proposal, command=shifted(proposal.command, -1))

    setattr(codec, "encode_proposal", encode_proposal)  # noqa: B010 a bug is planted, which the type checker would refuse
    setattr(codec, "decode_proposal", decode_proposal)  # noqa: B010 the same


if __name__ == "__main__":
    plant()
    from lictor.cli import main

    main()
