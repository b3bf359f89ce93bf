"""What an execution did, step by step, without secrets and with no step longer than a page can bear."""
