"""Technicians: a managed-service provider's own people, and what each may do."""
