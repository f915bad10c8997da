"""Commands that others ask this agent to run, by `lictor exec` or Consul's: off unless `disable_remote_exec` is false.

What may enter: events named `_rexec`, and the keys of the session that they name. What leaves: a program that runs, and
keys with what it says. Who may fire such an event may run anything here.
"""
