"""OpenAI's Responses API: `request.py` makes the call's body, `events.py` joins deltas that came together, and
`reader.py` turns the events into what the turn takes.
"""

from neo.llm.dialect import Dialect
from neo.llm.responses.reader import ResponseReader
from neo.llm.responses.request import endpoint, request_body

RESPONSES = Dialect(request_body, endpoint, ResponseReader.of)
