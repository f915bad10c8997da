"""The tests of this room may need the real Consul's program: it is found where `LICTOR_CONSUL` names it, too."""

from tests.support.agents import put_consul_on_path

put_consul_on_path()
