"""Values as JSON knows them, or a message that says where they are not."""

import inspect
import math


def plain(value, where, at=""):
    """Returns a value as it comes back from a recording; tuples become lists."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        raise TypeError(f"{_place(where, at)} is {value}, which JSON does not know")
    if isinstance(value, (list, tuple)):
        return [plain(item, where, f"{at}[{nth}]") for nth, item in enumerate(value)]
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"{_place(where, at)} has the key {key!r}, which is no text; Rewind keeps JSON values only")
        return {key: plain(item, where, f"{at}[{key!r}]") for key, item in value.items()}
    kind = type(value).__name__
    raise TypeError(
        f"{_place(where, at)} is a {kind}, which is no JSON value; Rewind keeps None, bool, int, float, str, list "
        "and dict: wrap a function that takes and returns these"
    )


def _place(where, at):
    return f"{where}, at {at}," if at else where


class Parameters:
    """The parameters of a function, to name its arguments."""

    def __init__(self, function, name):
        self.name = name
        self.signature = inspect.signature(function)
        kinds = inspect.Parameter
        self.rest = [p.name for p in self.signature.parameters.values() if p.kind is kinds.VAR_KEYWORD]
        first = next(iter(self.signature.parameters), None)
        self.receiver = first if first in ("self", "cls") else None

    def named(self, args, kwargs):
        """Returns the arguments by the names of their parameters, as a model gives them."""
        bound = self.signature.bind(*args, **kwargs).arguments
        named = {}
        for key, value in bound.items():
            if key == self.receiver:
                continue
            if key in self.rest:
                named.update(value)
            else:
                named[key] = value
        return {key: plain(value, f"the argument `{key}` of the tool `{self.name}`") for key, value in named.items()}
