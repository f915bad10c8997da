"""Where the real Consul is kept, for the marker `needs("consul")`."""

from tests.support.agents import put_consul_on_path

put_consul_on_path()
