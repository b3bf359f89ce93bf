from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


def unchunked(app: ASGIApp, cycle: RequestResponseCycle) -> ASGIApp:
    """Answers as HTTP/1.0 knows them: a body of unknown length ends with its connection. uvicorn would send chunks,
    whose sizes such a client reads as text.
    """

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_unchunked(message: Message) -> None:
            if message["type"] == "http.response.start":
                names = {name.lower() for name, _ in message.get("headers", ())}
                # None leaves it to uvicorn, which then finds a length.
                cycle.chunked_encoding = None if b"content-length" in names else False
            elif cycle.chunked_encoding is False and not cycle.expected_content_length:
                # Without chunks each piece must be what is left of a length that was promised.
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        await app(scope, receive, send_unchunked)

    return answering
