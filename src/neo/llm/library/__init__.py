"""Anthropic's Messages API, through pydantic-ai and the provider's own SDK.

Importing them takes a second and more, so nothing imports this folder before a model of that dialect is configured or
called.
"""
