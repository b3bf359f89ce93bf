"""Changes a call that a model refused because of what was sent, and keeps in mind what it refused.

`refusal.py` is what a refusal is about, as the transport reads it from the provider's words; `mend.py` decides what is
sent instead, `shorten.py` how much of it, and `adapted.py` makes a prompt of it; `learned.py` remembers it for the
model, so that the next turn makes one call.
"""
