"""openai-python, asynchronous: three workers at once, then one summary."""

import asyncio
import json
import sys

from openai import AsyncOpenAI

TOOL = {
    "type": "function",
    "function": {
        "name": "lookup",
        "description": "Looks a city up",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


async def work(client, city):
    messages = [
        {"role": "system", "content": "You are a city worker."},
        {"role": "user", "content": "Tell me about " + city},
    ]
    while True:
        answer = await client.chat.completions.create(
            model="gpt-4o-mini", messages=messages, tools=[TOOL]
        )
        message = answer.choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content
        for call in message.tool_calls:
            wanted = json.loads(call.function.arguments)["city"]
            messages.append(
                {"role": "tool", "tool_call_id": call.id, "content": "facts of " + wanted}
            )


async def main():
    async with AsyncOpenAI() as client:
        notes = await asyncio.gather(*(work(client, city) for city in sys.argv[1].split()))
        answer = await client.chat.completions.create(
            model="gpt-4o-mini",
            messages=[
                {"role": "system", "content": "You are the editor."},
                {"role": "user", "content": "\n".join(notes)},
            ],
        )
    print(answer.choices[0].message.content)


asyncio.run(main())
