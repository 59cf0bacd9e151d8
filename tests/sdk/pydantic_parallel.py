"""pydantic-ai: three agents with a tool in parallel, then an editor."""

import asyncio
import sys

from pydantic_ai import Agent

worker = Agent("openai-chat:gpt-4o-mini", instructions="You are a city worker.")
editor = Agent("openai-chat:gpt-4o-mini", instructions="You are the editor.")


@worker.tool_plain
def lookup(city: str) -> str:
    """Looks a city up."""
    return "facts of " + city


async def main():
    runs = (worker.run("Tell me about " + city) for city in sys.argv[1].split())
    notes = [result.output for result in await asyncio.gather(*runs)]
    print((await editor.run("\n".join(notes))).output)


asyncio.run(main())
