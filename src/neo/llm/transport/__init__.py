"""HTTP to the providers: one client for each, and what both dialects' readers make of a refusal's headers."""
