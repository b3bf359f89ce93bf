"""Anthropic's Messages API, and what others serve at `/v1/messages`: `request.py` makes the call's body, `thinking.py`
says how much of it is reasoning, and `reader.py` turns the events into what the turn takes.
"""

from neo.llm.dialect import Dialect
from neo.llm.messages.reader import MessageReader
from neo.llm.messages.request import endpoint, request_body

MESSAGES = Dialect(request_body, endpoint, MessageReader.of)
