"""Watches of the configuration: what is asked of this agent again and again, and who is told of the news.

What may enter: definitions (core's `watching`), answers of the agent's own HTTP API. What leaves: programs that run,
calls over HTTP. What is news is core's to say.
"""
