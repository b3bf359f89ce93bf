"""End companies: the customers of a managed-service provider."""
