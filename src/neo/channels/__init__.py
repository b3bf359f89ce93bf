"""Channels: a CONVERSATIONAL agent bound to a transport, and how an inbound message finds its agent."""
