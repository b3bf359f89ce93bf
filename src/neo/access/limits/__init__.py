"""How often callers may come: requests by tenant, and wrong credentials by address."""
