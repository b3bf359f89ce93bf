# ruff: noqa: ARG002 - the store's methods are ChatKit's.
"""ChatKit's self-hosted server with a store in memory and the benchmark's model."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError, Store
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    Page,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
)
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from model import whole, words


class Memory(Store[dict[str, Any]]):
    def __init__(self) -> None:
        self._threads: dict[str, Any] = {}
        self._items: dict[str, dict[str, Any]] = {}

    async def load_thread(self, thread_id: str, context: Any) -> Any:
        if thread_id not in self._threads:
            raise NotFoundError(thread_id)
        return self._threads[thread_id]

    async def save_thread(self, thread: Any, context: Any) -> None:
        self._threads[thread.id] = thread

    async def load_threads(self, limit: int, after: Any, order: str, context: Any) -> Any:
        return Page(data=list(self._threads.values())[:limit], has_more=False, after=None)

    async def delete_thread(self, thread_id: str, context: Any) -> None:
        self._threads.pop(thread_id, None)

    async def load_thread_items(
        self, thread_id: str, after: Any, limit: int, order: str, context: Any
    ) -> Any:
        found = list(self._items.get(thread_id, {}).values())[-limit:]
        return Page(data=found, has_more=False, after=None)

    async def add_thread_item(self, thread_id: str, item: Any, context: Any) -> None:
        self._items.setdefault(thread_id, {})[item.id] = item

    async def save_item(self, thread_id: str, item: Any, context: Any) -> None:
        await self.add_thread_item(thread_id, item, context)

    async def load_item(self, thread_id: str, item_id: str, context: Any) -> Any:
        return self._items[thread_id][item_id]

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Any) -> None:
        self._items.get(thread_id, {}).pop(item_id, None)

    async def save_attachment(self, attachment: Any, context: Any) -> None: ...

    async def load_attachment(self, attachment_id: str, context: Any) -> Any: ...

    async def delete_attachment(self, attachment_id: str, context: Any) -> None: ...


class Server(ChatKitServer[dict[str, Any]]):
    async def respond(self, thread: Any, input_user_message: Any, context: Any) -> AsyncIterator[Any]:
        asked = input_user_message.content[0].text
        item_id = self.store.generate_item_id("message", thread, context)
        yield ThreadItemAddedEvent(item=_item(item_id, thread.id, ""))
        async for word in words(asked):
            delta = AssistantMessageContentPartTextDelta(content_index=0, delta=word)
            yield ThreadItemUpdatedEvent(item_id=item_id, update=delta)
        yield ThreadItemDoneEvent(item=_item(item_id, thread.id, whole(asked)))


def _item(item_id: str, thread_id: str, text: str) -> AssistantMessageItem:
    content = [AssistantMessageContent(text=text)]
    return AssistantMessageItem(
        id=item_id, thread_id=thread_id, created_at=datetime.now(UTC), content=content
    )


app, server = FastAPI(), Server(Memory())


@app.get("/health")
async def health() -> dict[str, bool]:
    return {"ok": True}


@app.post("/threads")
async def open_thread() -> dict[str, str]:
    """ChatKit makes a thread with its first message; the benchmark wants one before."""
    thread = ThreadMetadata(id=server.store.generate_thread_id({}), created_at=datetime.now(UTC))
    await server.store.save_thread(thread, {})
    return {"thread_id": thread.id}


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    answer = await server.process(await request.body(), {})
    if isinstance(answer, StreamingResult):
        return StreamingResponse(answer, media_type="text/event-stream")
    return Response(answer.json, media_type="application/json")
