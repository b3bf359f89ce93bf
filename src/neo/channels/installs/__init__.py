"""Where a white-label channel's bot is installed, and what it is greeted with there."""
