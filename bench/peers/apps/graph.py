"""The smallest chat graph with the benchmark's model, for LangGraph's servers."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langgraph.graph import END, START, MessagesState, StateGraph

# A graph is imported by its file's path.
sys.path.insert(0, str(Path(__file__).parent))
from model import whole, words


class Scripted(BaseChatModel):
    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(whole(str(messages[-1].content))))])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: Any = None,  # noqa: ARG002 - passed by name.
        run_manager: Any = None,
        **_: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        async for word in words(str(messages[-1].content)):
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=word))
            if run_manager:
                await run_manager.on_llm_new_token(word, chunk=chunk)
            yield chunk


model = Scripted()


async def answer(state: MessagesState) -> dict[str, Any]:
    # The newest message only, as with a provider that remembers; the checkpointer keeps them all.
    return {"messages": [await model.ainvoke(state["messages"][-1:])]}


builder = StateGraph(MessagesState)
builder.add_node("answer", answer)
builder.add_edge(START, "answer")
builder.add_edge("answer", END)
graph = builder.compile()
