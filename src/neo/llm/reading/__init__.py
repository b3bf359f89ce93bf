"""What the readers of all dialects do alike: `event.py` reads an event whatever the shape of its JSON, `thoughts.py`
tells thoughts in a text from the answer, and `finish.py` knows the words for an answer's end.
"""
