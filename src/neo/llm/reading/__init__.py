"""What the readers of all dialects do alike: `event.py` reads an event whatever the shape of its JSON, `texts.py` makes
deltas of texts that come in pieces, `thoughts.py` tells thoughts in a text from the answer, `calls.py` makes the calls
of tools, whose arguments `arguments.py` puts together, and `finish.py` knows the words for an answer's end.
"""
