"""`neo doctor`: what is checked, what it says, and the repairs that it offers."""
