"""End companies: the customers of a managed-service provider.

A session of a company's employee is bound to that company for its whole life; the company's chat instructions
are in its prompt.
"""

from neo.companies.models import EndCompany
from neo.companies.store import CompanyStore

__all__ = ["CompanyStore", "EndCompany"]
