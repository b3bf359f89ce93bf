"""OpenAI's chat completions, as all compatible servers speak them.

`request.py` and `messages.py` make the call's body; `control_tokens.py` keeps a chat template's tokens out of what
people write. `reader.py` turns chunks into deltas: `chunk.py` knows the forms that a chunk may have, `whole.py` those
of servers that do not stream, `thought_names.py` hears thoughts once, `calls.py` puts the calls together,
`telling.py` joins what came together and has thoughts in the text told from the answer, `usage.py` reads what it cost.
"""

from neo.llm.chat_completions.reader import ChatCompletionReader
from neo.llm.chat_completions.request import endpoint, request_body
from neo.llm.dialect import Dialect

CHAT_COMPLETIONS = Dialect(request_body, endpoint, ChatCompletionReader)
