"""The OpenAPI document of the HTTP API, made from the table of routes. Imported when somebody asks for it.

What is said of an endpoint stands beside it (`http.described`); here it becomes
OpenAPI 3.1. Pure: no request, no agent.
"""

from lictor_agent.http.document.openapi import openapi_document

__all__ = ["openapi_document"]
