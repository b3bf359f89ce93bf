"""What callers may have: requests and shares of a tenant, and wrong credentials of an address."""
