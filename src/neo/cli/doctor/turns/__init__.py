"""What must be true of turns, their segments and their sessions, each with the repair of what is not.

A check is one query with the owner's role, which sees every tenant's rows; it shows a count and one id. A repair does
what a server does, by the same functions, and needs PostgreSQL alone: whoever runs turns is woken, or looks by itself.
"""
