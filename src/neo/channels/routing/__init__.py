"""How a message from the platform's relay finds its agent, and the dry run that explains it."""
