"""Technicians: a managed-service provider's own people, and the role of each.

Whoever signs in for the first time with an app role is put into the roster; from then on the roster alone decides what
they may, whatever their token says. Without an app role they are nobody, unless a setting says otherwise.
"""

from neo.people.enrol import Enrolment
from neo.people.models import Technician
from neo.people.roster import Roster

__all__ = ["Enrolment", "Roster", "Technician"]
