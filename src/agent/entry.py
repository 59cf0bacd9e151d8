"""Calls one Python function with the input of a run and prints what it returns."""

import asyncio
import importlib
import inspect
import json
import os
import sys

module, _, name = sys.argv[1].partition(":")
answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)  # what the function prints is no part of the answer
arguments = []
if "REWIND_INPUT" in os.environ:
    text = sys.stdin.read()
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    arguments = [value if isinstance(value, (dict, list)) else text]
try:
    function = importlib.import_module(module)
except ModuleNotFoundError as error:
    if error.name is None or not (module + ".").startswith(error.name + "."):
        raise
    sys.exit("rewind: there is no Python module `%s` in %s; `entry` is written `module:function`" % (module, os.getcwd()))
for part in name.split("."):
    if not hasattr(function, part):
        names = [known for known in dir(function) if callable(getattr(function, known)) and not known.startswith("_")]
        sys.exit("rewind: module `%s` has no `%s`; it has %s" % (module, name, ", ".join(names) or "no functions"))
    function = getattr(function, part)
if not callable(function):
    where = "`%s` of %s" % (name, getattr(sys.modules[module], "__file__", module))
    sys.exit("rewind: %s is no function; `entry` is written `module:function`" % where)
result = function(*arguments)
if inspect.isawaitable(result):
    async def wait(awaitable):
        return await awaitable

    result = asyncio.run(wait(result))
if result is not None:
    text = result if isinstance(result, str) else json.dumps(result, sort_keys=True, ensure_ascii=False, default=str)
    answer.write(text if text.endswith("\n") else text + "\n")
answer.flush()
