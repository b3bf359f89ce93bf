"""The HTTP edge that every feature shares: envelopes, errors, strict bodies, paging, the OpenAPI document.

Every answer carries a request id of ours, also as a header and in the logs. What servers read differently is refused
before anybody is asked who they are, and a page of an allowed origin may read each refusal. Errors say what to do
and never show a secret, another tenant or a stack trace. No business lives here.
"""

from neo.api.body import JsonBody, check_after_body, json_body
from neo.api.components import ERRORS
from neo.api.connection import abort_connection
from neo.api.document import build_document, operation
from neo.api.edge import edge
from neo.api.envelope import success
from neo.api.errors import error_response, install_error_handlers, status_of
from neo.api.fields import (
    Guid,
    HttpsUrl,
    Instructions,
    Line,
    Moment,
    Name,
    Text,
    changes_of,
    free_of,
    left_alone,
)
from neo.api.large.bodies import LargeBodies, when_large
from neo.api.large.pages import LongPages, long_page
from neo.api.large.sender import Sender, note_sender
from neo.api.own_url import own_url
from neo.api.paging import (
    InvalidPage,
    Page,
    moment_before,
    next_cursor,
    number_before,
    page_token,
    read_page_token,
    requested_page,
)
from neo.api.request_scope import Phases, add_headers, phases_of
from neo.api.wire_rules import RepeatedParameter

__all__ = [
    "ERRORS",
    "Guid",
    "HttpsUrl",
    "Instructions",
    "InvalidPage",
    "JsonBody",
    "LargeBodies",
    "Line",
    "LongPages",
    "Moment",
    "Name",
    "Page",
    "Phases",
    "RepeatedParameter",
    "Sender",
    "Text",
    "abort_connection",
    "add_headers",
    "build_document",
    "changes_of",
    "check_after_body",
    "edge",
    "error_response",
    "free_of",
    "install_error_handlers",
    "json_body",
    "left_alone",
    "long_page",
    "moment_before",
    "next_cursor",
    "note_sender",
    "number_before",
    "operation",
    "own_url",
    "page_token",
    "phases_of",
    "read_page_token",
    "requested_page",
    "status_of",
    "success",
    "when_large",
]
