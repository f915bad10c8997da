"""Raft under every fault that one process can play: N voters, a virtual clock, network and disks, one seed.

The voters are the production core; the clock, the network and the disks are played. `python -m tests.simulation
--seed 7 --steps 3000` replays a run.
"""
