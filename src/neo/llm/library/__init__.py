"""Chat completions and Anthropic's Messages API, through pydantic-ai and the providers' own SDKs.

They know what many vendors do with reasoning, thinking tags and control tokens. Importing them takes a second and more,
so nothing imports this folder before a model of one of these dialects is configured or called.
"""
