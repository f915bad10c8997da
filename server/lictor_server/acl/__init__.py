"""Access control at the servers: what tokens come to, and what each request needs.

What may enter: tokens, policies and what is asked. What may not: how it was asked; HTTP and its statuses are the
agent's. `texts` reads policies.
"""
