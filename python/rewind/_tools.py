"""The wrapper around functions that an agent runs as tools."""

import contextlib
import contextvars
import functools
import inspect
import os

from ._errors import RewindRefused, again, told
from ._values import Parameters, plain
from ._wire import post, post_async

EFFECTS = (None, "pure", "read", "mutating")
_call_id = contextvars.ContextVar("rewind_call_id", default=None)
_asked = contextvars.ContextVar("rewind_asked", default=None)
_effects = {}


def known_effect(name):
    """Returns what the wrapper of a tool of this name says that running it leaves behind."""
    return _effects.get(name)


@contextlib.contextmanager
def asked_for(name):
    """Says that Rewind was already asked about the tool of this name: its wrapper need not ask again."""
    token = _asked.set(name)
    try:
        yield
    finally:
        _asked.reset(token)


@contextlib.contextmanager
def answering(call_id):
    """Says which of the model's tool calls the tools inside answer, by the provider's id.

    It is only needed where an agent runs equal calls at once; else Rewind finds it by name and arguments.
    """
    token = _call_id.set(call_id)
    try:
        yield
    finally:
        _call_id.reset(token)


def tool(name=None, effect=None):
    """Wraps a function that is a tool: ``@tool``, ``@tool("name")`` or ``@tool(effect="read")``.

    ``effect`` says what running it leaves behind: ``pure`` (nothing, and the result depends on the
    arguments alone), ``read`` (nothing) or ``mutating`` (a change). Where nothing is said, Rewind takes
    it for a change. Functions, coroutines and generators of both kinds can be wrapped; arguments and
    results are JSON values.
    """
    if effect not in EFFECTS:
        raise ValueError(f"effect is {effect!r}; it is one of 'pure', 'read', 'mutating'")
    if callable(name):
        return _wrapped(name, name.__name__, effect)
    return lambda function: _wrapped(function, name or function.__name__, effect)


def _wrapped(function, name, effect):
    base = os.environ.get("REWIND_TOOLS")
    if not base:
        return function
    calls = _Calls(base, Parameters(function, name), name, effect)
    if effect is not None:
        _effects[name] = effect
    if inspect.isasyncgenfunction(function):
        wrapper = _async_generator(function, calls)
    elif inspect.iscoroutinefunction(function):
        wrapper = _coroutine(function, calls)
    elif inspect.isgeneratorfunction(function):
        wrapper = _generator(function, calls)
    else:
        wrapper = _function(function, calls)
    return functools.wraps(function)(wrapper)


class _Calls:
    """What is said of one tool."""

    def __init__(self, base, parameters, name, effect):
        self.base = base
        self.parameters = parameters
        self.name = name
        self.effect = effect

    def question(self, args, kwargs):
        message = {"name": self.name, "arguments": self.parameters.named(args, kwargs), "boundary": "shim"}
        if self.effect is not None:
            message["effect"] = self.effect
        if _call_id.get() is not None:
            message["call_id"] = str(_call_id.get())
        return message

    def ask(self, args, kwargs):
        return Answer(self, post(self.base, "/tools/call", self.question(args, kwargs)))

    async def ask_async(self, args, kwargs):
        return Answer(self, await post_async(self.base, "/tools/call", self.question(args, kwargs)))


class Answer:
    """What Rewind says to one call."""

    def __init__(self, calls, said):
        action = said.get("action")
        if action == "refuse":
            raise RewindRefused(said.get("message", ""))
        self.calls = calls
        self.runs = action == "run"
        self.ticket = said.get("ticket")
        self.is_error = said.get("is_error", False)
        self.recorded = said.get("result")

    def served(self):
        """Returns the recorded result, or raises the recorded exception."""
        if self.is_error:
            raise again(self.recorded)
        return self.recorded

    def served_items(self):
        """Returns what a generator gave, and the exception that ended it."""
        if not self.is_error:
            return self.recorded if isinstance(self.recorded, list) else [], None
        items = self.recorded.get("items", []) if isinstance(self.recorded, dict) else []
        return items, again(self.recorded)

    def checked(self, result):
        """Returns a result as a replay will give it."""
        return plain(result, f"the result of the tool `{self.calls.name}`")

    def outcome(self, result, is_error=False):
        return {"ticket": self.ticket, "result": result, "is_error": is_error}

    def failure(self, error, items=None):
        outcome = told(error)
        if items is not None:
            outcome["items"] = items
        return self.outcome(outcome, True)

    def tell(self, outcome):
        post(self.calls.base, "/tools/result", outcome)

    async def tell_async(self, outcome):
        await post_async(self.calls.base, "/tools/result", outcome)


def _function(function, calls):
    def wrapper(*args, **kwargs):
        if _asked.get() == calls.name:
            return function(*args, **kwargs)
        answer = calls.ask(args, kwargs)
        if not answer.runs:
            return answer.served()
        try:
            result = answer.checked(function(*args, **kwargs))
        except BaseException as error:
            answer.tell(answer.failure(error))
            raise
        answer.tell(answer.outcome(result))
        return result

    return wrapper


def _coroutine(function, calls):
    async def wrapper(*args, **kwargs):
        if _asked.get() == calls.name:
            return await function(*args, **kwargs)
        answer = await calls.ask_async(args, kwargs)
        if not answer.runs:
            return answer.served()
        try:
            result = answer.checked(await function(*args, **kwargs))
        except Exception as error:
            await answer.tell_async(answer.failure(error))
            raise
        except BaseException as error:
            # Cancelled: nothing can be awaited any more.
            answer.tell(answer.failure(error))
            raise
        await answer.tell_async(answer.outcome(result))
        return result

    return wrapper


def _generator(function, calls):
    def wrapper(*args, **kwargs):
        answer = calls.ask(args, kwargs)
        if not answer.runs:
            items, error = answer.served_items()
            yield from items
            if error is not None:
                raise error
            return
        items = []
        try:
            for item in function(*args, **kwargs):
                items.append(answer.checked(item))
                yield items[-1]
        except GeneratorExit:
            answer.tell(answer.outcome(items))
            raise
        except BaseException as error:
            answer.tell(answer.failure(error, items))
            raise
        answer.tell(answer.outcome(items))

    return wrapper


def _async_generator(function, calls):
    async def wrapper(*args, **kwargs):
        answer = await calls.ask_async(args, kwargs)
        if not answer.runs:
            items, error = answer.served_items()
            for item in items:
                yield item
            if error is not None:
                raise error
            return
        items = []
        try:
            async for item in function(*args, **kwargs):
                items.append(answer.checked(item))
                yield items[-1]
        except GeneratorExit:
            answer.tell(answer.outcome(items))
            raise
        except BaseException as error:
            answer.tell(answer.failure(error, items))
            raise
        await answer.tell_async(answer.outcome(items))

    return wrapper
