"""What stands before a conversation: `variables.py` fills in what somebody has written, `surroundings.py` says who
talks, where and when, as data.
"""

from neo.llm.instructions.surroundings import Surroundings, is_timezone
from neo.llm.instructions.variables import problem_with_variables

__all__ = ["Surroundings", "is_timezone", "problem_with_variables"]
