"""Technicians: a managed-service provider's own people, and the role of each.

Whoever signs in for the first time is put into the roster; from then on the roster alone decides what they may,
whatever their token says.
"""

from neo.people.enrol import Enrolment
from neo.people.models import Technician
from neo.people.roster import Roster

__all__ = ["Enrolment", "Roster", "Technician"]
