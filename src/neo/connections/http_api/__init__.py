"""Calls of a tenant's HTTP API: an operation and its arguments become one request.

An operation is a tool of its connection: a method, a path template and parameters, each with its JSON Schema and its
place: path, query, header or body. Arguments are checked against it before anything is sent, and nothing in them leads
out of the path. The request carries the call's key as `Idempotency-Key`, and follows no redirection. An OpenAPI
document becomes operations; those that would need what Neo does not do are told, and why.
"""

from neo.connections.http_api.client import HttpApiClient
from neo.connections.http_api.listing import catalogue_of
from neo.connections.http_api.openapi import DocumentRefused, Imported, operations_of, whole_schema
from neo.connections.http_api.operation import Operation, Parameter, Place, variables_of

__all__ = [
    "DocumentRefused",
    "HttpApiClient",
    "Imported",
    "Operation",
    "Parameter",
    "Place",
    "catalogue_of",
    "operations_of",
    "variables_of",
    "whole_schema",
]
