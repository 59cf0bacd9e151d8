"""A market briefing: one analyst for each market, all at once, and an editor who writes the briefing.

    python3 agent.py "copper, cocoa, wheat"

ANTHROPIC_API_KEY is the key; ANTHROPIC_BASE_URL says where the model is, if not at Anthropic.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from anthropic import APIError, AsyncAnthropic
from anthropic.types import Message, MessageParam, ToolParam, ToolUseBlock

import sources

MODEL = os.environ.get("MARKET_MODEL", "claude-haiku-4-5")
MAX_TURNS = 6

ANALYST = """You are the analyst for {market}.
Look up the price and the news, then say in one sentence how the price moved in per cent, and why."""

EDITOR = """You are the editor of a market briefing.
Write one line for each analyst's note, the strongest move first. Keep every number."""


def market_tool(name: str, description: str) -> ToolParam:
    schema = {
        "type": "object",
        "properties": {"market": {"type": "string", "enum": list(sources.PRICES)}},
        "required": ["market"],
    }
    return {"name": name, "description": description, "input_schema": schema}


TOOLS = [
    market_tool("get_price", "The last price and the one a week ago."),
    market_tool("get_news", "The headline of the week."),
]
FUNCTIONS = {"get_price": sources.get_price, "get_news": sources.get_news}


def text_of(message: Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def use(call: ToolUseBlock) -> dict[str, Any]:
    """Runs a tool; what is wrong with the call is told to the model."""
    result: dict[str, Any] = {"type": "tool_result", "tool_use_id": call.id}
    try:
        return {**result, "content": json.dumps(FUNCTIONS[call.name](**call.input))}
    except (KeyError, TypeError) as error:
        return {**result, "content": f"no such thing: {error}", "is_error": True}


async def analyse(client: AsyncAnthropic, market: str) -> str:
    """Lets an analyst look things up until the note is written."""
    messages: list[MessageParam] = [{"role": "user", "content": f"What happened to {market}?"}]
    for _turn in range(MAX_TURNS):
        answer = await client.messages.create(
            model=MODEL,
            max_tokens=400,
            system=ANALYST.format(market=market),
            messages=messages,
            tools=TOOLS,
        )
        if answer.stop_reason != "tool_use":
            return text_of(answer)
        calls = [block for block in answer.content if block.type == "tool_use"]
        messages.append({"role": "assistant", "content": answer.content})
        messages.append({"role": "user", "content": [use(call) for call in calls]})
    raise RuntimeError(f"the analyst for {market} found no end in {MAX_TURNS} turns")


async def edit(client: AsyncAnthropic, notes: list[str]) -> None:
    """Streams the briefing."""
    async with client.messages.stream(
        model=MODEL,
        max_tokens=600,
        system=EDITOR,
        messages=[{"role": "user", "content": "\n".join(notes)}],
    ) as stream:
        async for text in stream.text_stream:
            print(text, end="", flush=True)
    print()


async def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit('usage: python3 agent.py "MARKET, MARKET"')
    markets = [market.strip() for market in sys.argv[1].split(",")]
    async with AsyncAnthropic() as client:
        try:
            notes = await asyncio.gather(*(analyse(client, market) for market in markets))
            await edit(client, notes)
        except APIError as error:
            raise SystemExit(f"the model could not answer: {error}") from error


if __name__ == "__main__":
    asyncio.run(main())
