"""What many want and there is little of: how many of it are under way, and whose turn is next."""
