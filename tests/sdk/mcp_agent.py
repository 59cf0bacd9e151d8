"""mcp, the official Python SDK: an agent whose tools are those of an MCP server.

Usage: mcp_agent.py MODE INPUT (URL | COMMAND...); MODE is `legacy` (initialize), `auto` (server/discover) or `sse`
(`legacy`, over the HTTP transport with two endpoints).
"""

import asyncio
import json
import sys
from contextlib import nullcontext

from mcp.client.client import Client
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters
from openai import OpenAI


def text(blocks):
    return "".join(block.text for block in blocks)


async def main():
    mode, question, command, *arguments = sys.argv[1:]
    progress = []

    async def seen(done, total, message):
        progress.append(done)

    model = OpenAI()
    is_url = command.startswith("http")
    way = command if is_url else StdioServerParameters(command=command, args=arguments)
    if mode == "sse":
        mode, way = "legacy", sse_client(command)
    server = Client(way, mode=mode)
    async with server, server.listen(tools_list_changed=True) if mode == "auto" else nullcontext():
        tools = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.input_schema,
                },
            }
            for tool in (await server.list_tools()).tools
        ]
        prompt = await server.get_prompt("clerk", {"name": "Ada"})
        policy = await server.read_resource("policy://baggage")
        system = prompt.messages[0].content.text + " Baggage: " + policy.contents[0].text
        messages = [
            {"role": "system", "content": system},
            {"role": "user", "content": question},
        ]
        while True:
            answer = model.chat.completions.create(
                model="gpt-4o-mini", messages=messages, tools=tools, temperature=0
            ).choices[0].message
            messages.append(answer)
            if not answer.tool_calls:
                print(answer.content)
                return
            for call in answer.tool_calls:
                arguments = json.loads(call.function.arguments)
                done = await server.call_tool(
                    call.function.name, arguments, progress_callback=seen
                )
                content = ("failed: " if done.is_error else "") + text(done.content)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": content})


asyncio.run(main())
