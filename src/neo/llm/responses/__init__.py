"""OpenAI's Responses API, read without a library: importing one takes a second, and reading a stream through it takes
more of the processor than all else that a turn does.

`answer.py` makes the call, `body.py` reads the body and splits it into events, `events.py` parses those and joins
deltas that came together, `reader.py` turns them into what the turn takes, and `failures.py` turns what went wrong
into Neo's failures.
"""
