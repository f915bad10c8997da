"""Configuration entries: settings of services that the cluster holds, and what follows from them, all pure.

An entry of each kind is a type of its own; `reading` makes one from what clients write and names every flaw; `graph`
judges entries beside one another; `compiler` makes the discovery chain of a service from them, `resolved` the settings
of its proxies. Only who writes or compiles entries imports these modules: they are much to carry for an idle agent.
"""
