"""`neo serve`: the engines, the API and the worker on one machine."""
