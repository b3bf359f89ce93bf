"""What talks with Temporal: the connection, the workflow and its activities, and the event loop that they run in.

Import the modules one by one: this file stays empty so that the workflow pulls in nothing else.
"""
