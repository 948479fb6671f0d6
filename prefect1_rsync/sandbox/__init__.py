"""The three vendors' APIs on loopback, with state: for tests, examples and trying things out."""

from .core import MISSING, Outcome, Run
from .http import Fault, Recorded, Response
from .sandbox import Sandbox

__all__ = ["MISSING", "Fault", "Outcome", "Recorded", "Response", "Run", "Sandbox"]
