"""The engine of CONTRIBUTING.md: gather with filters of one tap. Start with ``stages.h``."""

from ..engine import Engine
from ._plan import mine_plan

__all__ = ["engine"]

engine = Engine(mine_plan)
