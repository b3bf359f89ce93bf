"""OpenAI's Responses API: `request.py` makes the call's body, and `reader.py` turns the events into what the turn
takes; `texts.py` and `calls.py` tell once what comes more than once.
"""

from neo.llm.dialect import Dialect
from neo.llm.responses.reader import ResponseReader
from neo.llm.responses.request import endpoint, request_body

RESPONSES = Dialect(request_body, endpoint, ResponseReader.of)
