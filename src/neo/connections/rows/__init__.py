"""A tenant's connections as they are stored: addresses, health, tools with their pins, and where secrets may go."""
