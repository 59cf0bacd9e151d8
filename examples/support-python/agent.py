"""The support desk of a shop: answers questions about orders, and refunds them.

    python3 agent.py "I want my money back for order A17"

The model's text is printed while it is being written. OPENAI_API_KEY is the key; OPENAI_BASE_URL
says where the model is, if not at OpenAI.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from openai import APIError, AsyncOpenAI

import shop

MODEL = os.environ.get("SUPPORT_MODEL", "gpt-4o-mini")
MAX_TURNS = 8
PROMPT = (Path(__file__).resolve().parent / "prompts" / "support.txt").read_text(encoding="utf-8")

ORDER_ID = {"type": "string", "description": "The order's number, such as A17"}


def tool(name: str, description: str, **properties: dict[str, Any]) -> dict[str, Any]:
    """Returns the description of a tool; all of its arguments are required."""
    parameters = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    function = {"name": name, "description": description, "parameters": parameters, "strict": True}
    return {"type": "function", "function": function}


TOOLS = [
    tool("find_order", "Look an order up.", order_id=ORDER_ID),
    tool(
        "read_policy",
        "Read what the shop promises about a topic.",
        topic={"type": "string", "enum": list(shop.POLICY)},
    ),
    tool(
        "refund",
        "Pay money back. It can't be undone: the customer has to confirm the amount first.",
        order_id=ORDER_ID,
        amount_cents={"type": "integer"},
    ),
]

FUNCTIONS: dict[str, Callable[..., dict[str, object]]] = {
    "find_order": shop.find_order,
    "read_policy": shop.read_policy,
    "refund": shop.refund,
}


async def ask(client: AsyncOpenAI, messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Streams the model's next message, printing its text, and returns it whole."""
    async with client.chat.completions.stream(
        model=MODEL,
        messages=messages,
        tools=TOOLS,
        temperature=0,
        stream_options={"include_usage": True},
    ) as stream:
        async for event in stream:
            if event.type == "content.delta":
                print(event.delta, end="", flush=True)
        completion = await stream.get_final_completion()
    message = completion.choices[0].message
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.function.name, "arguments": call.function.arguments},
        }
        for call in message.tool_calls or []
    ]
    kept: dict[str, Any] = {"role": "assistant", "content": message.content}
    return {**kept, "tool_calls": calls} if calls else kept


async def use(call: dict[str, Any]) -> dict[str, Any]:
    """Runs a tool; what is wrong with the call is told to the model."""
    name, arguments = call["function"]["name"], call["function"]["arguments"]
    try:
        result = await asyncio.to_thread(FUNCTIONS[name], **json.loads(arguments))
    except (KeyError, TypeError, ValueError, shop.ShopError) as error:
        result = {"error": str(error)}
    return {"role": "tool", "tool_call_id": call["id"], "content": json.dumps(result)}


async def answer(client: AsyncOpenAI, question: str) -> None:
    """Lets the model use its tools until it has an answer."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": PROMPT},
        {"role": "user", "content": question},
    ]
    for _turn in range(MAX_TURNS):
        message = await ask(client, messages)
        messages.append(message)
        if "tool_calls" not in message:
            print()
            return
        messages += await asyncio.gather(*(use(call) for call in message["tool_calls"]))
    raise SystemExit(f"no answer after {MAX_TURNS} turns")


async def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit('usage: python3 agent.py "QUESTION"')
    async with AsyncOpenAI() as client:
        try:
            await answer(client, sys.argv[1])
        except APIError as error:
            raise SystemExit(f"the model could not answer: {error}") from error


if __name__ == "__main__":
    asyncio.run(main())
