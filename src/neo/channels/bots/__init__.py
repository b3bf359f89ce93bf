"""Whose a Teams bot is. The operator or the platform grants it; the application's role cannot write that.

A channel counts only while its bot is its tenant's own, or, for the tenant's technicians, the platform's.
"""
