"""Lets Rewind record and replay the tools that an agent runs in its own process.

    from rewind import tool

    @tool(effect="mutating")
    def book_flight(flight: str, seats: int = 1) -> dict:
        ...

Without Rewind around, ``tool`` returns the function itself. Under ``rewind record`` the call and its
result are kept; under ``rewind replay`` and ``rewind gate`` the recorded result is given back, and the
function does not run. See docs/tools.md of Rewind.
"""

from ._errors import RewindRefused, RewindToolError
from ._tools import answering, tool

__all__ = ["RewindRefused", "RewindToolError", "answering", "tool"]
__version__ = "0.1.0"
