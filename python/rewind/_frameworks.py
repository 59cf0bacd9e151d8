"""Where the frameworks run a tool: what is asked there, and how a result is kept and given back.

Each patch takes a module that has just been loaded, and returns whether it knows this version of it.
"""

import contextlib
import functools
import json
import os
import sys

from ._errors import again, told
from ._tools import Answer, asked_for, known_effect
from ._values import plain
from ._wire import post, post_async


class NotKept(Exception):
    """A result can't be given back from a recording: the tool runs in a replay, too."""


class _Call:
    """One call of a framework's tool."""

    def __init__(self, name, arguments, call_id):
        self.base = os.environ["REWIND_TOOLS"]
        self.name = name
        self.question = {"name": name, "arguments": _arguments(arguments), "boundary": "shim"}
        effect = known_effect(name)
        if effect is not None:
            self.question["effect"] = effect
        if call_id:
            self.question["call_id"] = str(call_id)

    def ask(self):
        return Answer(self, post(self.base, "/tools/call", self.question))

    async def ask_async(self):
        return Answer(self, await post_async(self.base, "/tools/call", self.question))


def _arguments(arguments):
    """Returns the arguments that are JSON values: what a framework adds by itself is none."""
    kept = {}
    for name, value in arguments.items():
        with contextlib.suppress(TypeError):
            kept[str(name)] = plain(value, "")
    return kept


def _is_not_kept(recorded):
    return isinstance(recorded, dict) and "$not_kept" in recorded


def _outcome(answer, keep, result):
    """Returns what is told of a result."""
    try:
        kept, is_error = keep(result)
    except (NotKept, TypeError) as error:
        name, kind = answer.calls.name, type(result).__name__
        said = f"rewind: the tool `{name}` gave a {kind}, which can't be recorded; it runs in replays, too: {error}"
        print(said, file=sys.stderr)
        return answer.outcome({"$not_kept": kind})
    return answer.outcome(kept, is_error)


def _run(call, run, keep, restore):
    answer = call.ask()
    if not answer.runs and not _is_not_kept(answer.recorded):
        return restore(answer.recorded, answer.is_error)
    with asked_for(call.name):
        if not answer.runs:
            return run()
        try:
            result = run()
        except BaseException as error:
            answer.tell(answer.failure(error))
            raise
    answer.tell(_outcome(answer, keep, result))
    return result


async def _run_async(call, run, keep, restore):
    answer = await call.ask_async()
    if not answer.runs and not _is_not_kept(answer.recorded):
        return restore(answer.recorded, answer.is_error)
    with asked_for(call.name):
        if not answer.runs:
            return await run()
        try:
            result = await run()
        except Exception as error:
            await answer.tell_async(answer.failure(error))
            raise
        except BaseException as error:
            # Cancelled: nothing can be awaited any more.
            answer.tell(answer.failure(error))
            raise
    await answer.tell_async(_outcome(answer, keep, result))
    return result


def _keep_plain(result):
    return plain(result, "the result"), False


def _restore_plain(recorded, is_error):
    if is_error:
        raise again(recorded, by_name=True)
    return recorded


# openai-agents


def _agents(module):
    name = "_invoke_function_tool_with_metadata"
    has_metadata = hasattr(module, name)
    if not has_metadata:
        name = "invoke_function_tool"
    original = getattr(module, name, None)
    if original is None:
        return False

    def keep(result):
        output = result.output if has_metadata else result
        try:
            output = plain(output, "the output")
        except TypeError:
            # The model is told the text of anything else, but for images and files.
            if type(output).__module__.partition(".")[0] == "agents":
                raise NotKept("it is no text") from None
            output = str(output)
        if has_metadata and result.is_sdk_generated_error:
            return {"type": "agents.ToolError", "message": output}, True
        return output, False

    def restore(recorded, is_error):
        if not has_metadata:
            return _restore_plain(recorded, is_error)
        kind = module._FunctionToolInvocationResult
        if is_error and isinstance(recorded, dict) and recorded.get("type") == "agents.ToolError":
            return kind(recorded.get("message"), True)
        return kind(_restore_plain(recorded, is_error))

    @functools.wraps(original)
    async def invoke(*, function_tool, context, arguments):
        def run():
            return original(function_tool=function_tool, context=context, arguments=arguments)

        if getattr(function_tool, "_rewind_mcp", False):
            return await run()
        call = _Call(function_tool.name, _parsed(arguments), getattr(context, "tool_call_id", None))
        return await _run_async(call, run, keep, restore)

    setattr(module, name, invoke)
    return True


def _parsed(arguments):
    try:
        found = json.loads(arguments) if arguments else {}
    except ValueError:
        found = arguments
    return found if isinstance(found, dict) else {"input": found}


def _agents_mcp(module):
    """Tools of MCP servers are asked about where the server is."""
    original = module.MCPUtil.to_function_tool

    @functools.wraps(original)
    def to_function_tool(*args, **kwargs):
        made = original(*args, **kwargs)
        made._rewind_mcp = True
        return made

    module.MCPUtil.to_function_tool = staticmethod(to_function_tool)
    return True


# LangChain and LangGraph


def _langchain(module):
    base = module.BaseTool
    run, arun = base.run, base.arun

    def call_of(tool, tool_input, kwargs):
        arguments = dict(tool_input) if isinstance(tool_input, dict) else {"input": tool_input}
        with contextlib.suppress(Exception):
            # What the graph injects is no argument of the model.
            known = tool.tool_call_schema
            known = known["properties"] if isinstance(known, dict) else known.model_fields
            arguments = {name: value for name, value in arguments.items() if name in known}
        return _Call(tool.name, arguments, kwargs.get("tool_call_id"))

    def messages():
        from langchain_core.messages import ToolMessage

        return ToolMessage

    def keep(result):
        if not isinstance(result, messages()):
            return _keep_plain(result)
        if result.artifact is not None:
            raise NotKept("it has an artifact")
        content = plain(result.content, "the content")
        if result.status == "error":
            return {"type": "langchain.ToolMessage", "message": content}, True
        return content, False

    def restore(tool, call_id, recorded, is_error):
        status = "success"
        if is_error:
            if not isinstance(recorded, dict) or recorded.get("type") != "langchain.ToolMessage":
                raise again(recorded, by_name=True)
            recorded, status = recorded.get("message"), "error"
        if call_id is None:
            return recorded
        return messages()(content=recorded, name=tool.name, tool_call_id=call_id, status=status)

    @functools.wraps(run)
    def around(self, tool_input, *args, **kwargs):
        call = call_of(self, tool_input, kwargs)
        given = functools.partial(restore, self, kwargs.get("tool_call_id"))
        return _run(call, lambda: run(self, tool_input, *args, **kwargs), keep, given)

    @functools.wraps(arun)
    async def around_async(self, tool_input, *args, **kwargs):
        call = call_of(self, tool_input, kwargs)
        given = functools.partial(restore, self, kwargs.get("tool_call_id"))
        return await _run_async(call, lambda: arun(self, tool_input, *args, **kwargs), keep, given)

    base.run, base.arun = around, around_async
    return True


# pydantic-ai


def _pydantic_ai(module):
    toolset = module.FunctionToolset
    original = toolset.call_tool

    def keep(result):
        if type(result).__module__.partition(".")[0] == "pydantic_ai":
            raise NotKept("it is more than its content")
        from pydantic_core import PydanticSerializationError, to_jsonable_python

        try:
            # The model is given the same JSON, whatever the type.
            return plain(to_jsonable_python(result), "the result"), False
        except PydanticSerializationError as error:
            raise NotKept(str(error)) from None

    @functools.wraps(original)
    async def call_tool(self, name, tool_args, ctx, tool):
        from pydantic_core import to_jsonable_python

        arguments = to_jsonable_python(tool_args, fallback=lambda value: None)
        call = _Call(name, arguments, getattr(ctx, "tool_call_id", None))
        return await _run_async(call, lambda: original(self, name, tool_args, ctx, tool), keep, _restore_plain)

    toolset.call_tool = call_tool
    return True


# MCP clients


def _mcp_stdio(module):
    """Puts `rewind mcp` before the command of a server, where it is not there already."""
    original = module.stdio_client

    @functools.wraps(original)
    def stdio_client(server, *args, **kwargs):
        program = os.environ.get("REWIND_PROGRAM")
        is_ours = os.path.basename(server.command).startswith("rewind")
        if program and not is_ours:
            words = ["mcp", "--", server.command, *server.args]
            server = server.model_copy(update={"command": program, "args": words})
        return original(server, *args, **kwargs)

    module.stdio_client = stdio_client
    return True


PATCHES = {
    "agents.tool": _agents,
    "agents.mcp.util": _agents_mcp,
    "langchain_core.tools.base": _langchain,
    "pydantic_ai.toolsets.function": _pydantic_ai,
    "mcp.client.stdio": _mcp_stdio,
}
"""Modules, and what patches them."""
