"""Tries a model as Neo will call it, and asks its server what it says of itself. Only the operator's commands do."""
