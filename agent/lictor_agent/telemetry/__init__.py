"""Figures about this process on their way to others: their names, their lines, and who is sent them.

`names` says what a figure is called and whether it is wanted, `lines` writes it in the form of statsd, DogStatsD or
statsite (both pure), `sinks` carries lines over UDP and TCP, `sending` does so once a second while the agent runs, and
`dump` is for people who send SIGUSR1.

What may enter: settings, a `Meter`, gauges. What may not: anything that waits for whoever is sent the figures.
"""
