"""Exceptions: what a tool raised, as a JSON value and back."""

import builtins
import sys


class RewindToolError(Exception):
    """A tool failed with an exception of a class that is not built in; ``type`` is its name."""

    def __init__(self, message, type="RewindToolError"):
        super().__init__(message)
        self.type = type


class RewindRefused(RewindToolError):
    """Rewind did not let the tool run; the message says why and what to do."""

    def __init__(self, message):
        super().__init__(message, "RewindRefused")


def told(error):
    """Returns what is recorded of an exception."""
    kind = type(error)
    is_builtin = kind.__module__ == "builtins"
    name = kind.__name__ if is_builtin else f"{kind.__module__}.{kind.__qualname__}"
    outcome = {"type": name, "message": str(error)}
    simple = (str, int, float, bool, type(None))
    if is_builtin and all(isinstance(arg, simple) for arg in error.args):
        outcome["args"] = list(error.args)
        if isinstance(error, OSError) and isinstance(error.filename, str):
            outcome["args"].append(error.filename)
    return outcome


def again(outcome, by_name=False):
    """Returns the exception that this is recorded of; `by_name` finds classes of modules that are loaded, too."""
    if not isinstance(outcome, dict):
        return RewindToolError(str(outcome))
    name, message = str(outcome.get("type", "")), str(outcome.get("message", ""))
    kind = getattr(builtins, name, None)
    if by_name and "." in name:
        module, _, own = name.rpartition(".")
        kind = getattr(sys.modules.get(module), own, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        args = outcome.get("args", [message])
        try:
            return kind(*args)
        except TypeError:
            pass
    return RewindToolError(message, name or "RewindToolError")
