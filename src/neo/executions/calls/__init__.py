"""One call of an execution, and what somebody has found out of it later."""
