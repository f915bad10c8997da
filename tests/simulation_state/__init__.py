"""The state on several servers, under restarts, snapshots and repetitions: one log, one seed, the production modules.

`workload` makes up commands, `world` applies them on servers that are never equally far, start anew from snapshots, and
are followed by views that change their server. `python -m tests.simulation_state --seed 7` replays a run.
"""
