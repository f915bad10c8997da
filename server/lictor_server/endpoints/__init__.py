"""What a request means: check it, then read the state or propose a command.

What may enter: the meaning of each read, write and duty, for requests of this process and of connections alike. What
may not: HTTP, frames, sockets.
"""
