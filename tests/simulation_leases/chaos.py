"""What befalls a world, by its seed."""

from __future__ import annotations

from tests.simulation_leases.actors import LEASE_S, Server, Tables
from tests.simulation_leases.world import Report, World

__all__ = ["run"]

FAULTS_EVERY_S = 6.0
HEALED_S = 6 * LEASE_S
SHARE_OF_ILL = 0.5
"""Of the agents something may happen to: the others must be well all the time."""


def run(seed: int, *, agents: int = 40, seconds: float = 150.0, tables: Tables | None = None) -> Report:
    """One world with faults, and a while without any at the end."""
    world = World(seed, agents, tables)
    chance = world.random
    world.run_for(2 * LEASE_S)
    unlucky = world.agents[: round(agents * SHARE_OF_ILL)]

    def befall_servers() -> None:
        world.at(chance.uniform(0.5, 2) * FAULTS_EVERY_S, befall_servers)
        if world.now > end or world.now < world.disturbed_at + 2.0:
            return  # one server at a time: with two away there is no leader, and nobody judges
        server = chance.choice(world.servers)
        match chance.randrange(8):
            case 0:
                world.kill(server, chance.uniform(0.5, 20))
            case 1:
                world.pause(server, chance.choice((0.4, 3.0, 9.0, 60.0)))
            case 2:
                world.cut(server, chance.uniform(1, 20))
            case 3:
                world.hand_over()
            case 4:
                world.freeze(chance.choice((3.0, 30.0)))
            case 5:
                world.wall_jump_s += chance.uniform(-1e6, 1e6)
            case 6:
                world.lose_link(server)
            case _:
                for agent in chance.sample(world.agents, agents // 4):
                    world.reconnect(agent)

    def befall_agents() -> None:
        world.at(chance.uniform(0.5, 2), befall_agents)
        if world.now > end:
            return
        agent = chance.choice(unlucky)
        if not agent.runs:
            return
        match chance.randrange(8):
            case 0:
                world.vanish(agent)
            case 1:
                world.crash(agent, None)
            case 2:
                world.stop(agent, chance.uniform(0.5, 30))
            case 3:
                world.leave(agent)
            case _:
                world.crash(agent, chance.uniform(0.2, 20))

    def lose(server: Server) -> None:
        """One server is lost for good, and the host of an agent that was connected to it at the same moment."""
        if world.now >= world.disturbed_at and all(one.runs and not one.cut_off for one in world.servers):
            if agent := next((one for one in unlucky if one.server is server and one.runs), None):
                world.vanish(agent)
            world.kill(server, None)

    end = world.now + seconds
    befall_servers()
    befall_agents()
    world.at(seconds + LEASE_S, lambda: lose(chance.choice(world.servers)))
    world.run_for(seconds + HEALED_S + LEASE_S)
    world.check_end()
    return world.report
