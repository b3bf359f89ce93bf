"""What the library understood of an answer, as an outcome's content."""

import base64
import binascii
from collections.abc import Iterator

from mcp import types

from neo.connections.outcome import Bytes, Content, Ending, Json, Outcome, Text
from neo.db import plain_json


def outcome_of_result(result: types.CallToolResult | types.InputRequiredResult) -> Outcome:
    if isinstance(result, types.InputRequiredResult):
        detail = "The tool asks for more than its arguments, which Neo cannot give."
        return Outcome(ending=Ending.TOOL_ERROR, is_sent=True, detail=detail)
    content = tuple(_blocks(result))
    if result.is_error:
        said = "\n".join(block.text for block in content if isinstance(block, Text))
        return Outcome(ending=Ending.TOOL_ERROR, is_sent=True, content=content, said=said)
    # The structured content first: where a server sends both, the text says the same.
    structured = (
        (Json(plain_json(result.structured_content)),) if result.structured_content is not None else ()
    )
    return Outcome(ending=Ending.OK, is_sent=True, content=(*structured, *content))


def _blocks(result: types.CallToolResult) -> Iterator[Content]:
    for block in result.content:
        match block:
            case types.TextContent(text=text):
                yield Text(text)
            case (
                types.ImageContent(data=data, mime_type=kind) | types.AudioContent(data=data, mime_type=kind)
            ):
                yield _bytes(data, kind)
            case types.EmbeddedResource(resource=types.TextResourceContents(text=text)):
                yield Text(text)
            case types.EmbeddedResource(resource=types.BlobResourceContents(blob=data, mime_type=kind)):
                yield _bytes(data, kind or "application/octet-stream")
            case _:
                yield Json(plain_json(block.model_dump(mode="json", by_alias=True, exclude_none=True)))


def _bytes(data: str, media_type: str) -> Content:
    try:
        return Bytes(base64.b64decode(data, validate=True), media_type)
    except (binascii.Error, ValueError):
        return Text(data)
