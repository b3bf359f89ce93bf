"""What a tenant does with the tools of a connection: look, say yes, and say what each of them does."""
