"""Whatever is large takes turns: bodies, and pages of rows that may be long. What one tenant sends or asks for waits
for each other, so many of them at most, and holds up nobody else.
"""
