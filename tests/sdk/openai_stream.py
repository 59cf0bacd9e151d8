"""openai-python, streaming: prints every chunk as the SDK hands it over, then the answer."""

import json
import sys

from openai import OpenAI

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


def ask(client, messages):
    """Returns the text and the tool calls of one streamed answer."""
    text, calls = "", {}
    stream = client.chat.completions.create(
        model="gpt-4o-mini",
        messages=messages,
        tools=[TOOL],
        stream=True,
        stream_options={"include_usage": True},
    )
    for chunk in stream:
        print("event", chunk.model_dump_json(exclude_unset=True))
        for choice in chunk.choices:
            text += choice.delta.content or ""
            for piece in choice.delta.tool_calls or []:
                call = calls.setdefault(
                    piece.index,
                    {"id": "", "type": "function", "function": {"name": "", "arguments": ""}},
                )
                call["id"] += piece.id or ""
                call["function"]["name"] += piece.function.name or ""
                call["function"]["arguments"] += piece.function.arguments or ""
    return text, [calls[index] for index in sorted(calls)]


def main():
    client = OpenAI()
    messages = [
        {"role": "system", "content": "You are a guide."},
        {"role": "user", "content": sys.argv[1]},
    ]
    while True:
        text, calls = ask(client, messages)
        if not calls:
            print(text)
            return
        messages.append({"role": "assistant", "content": text or None, "tool_calls": calls})
        for call in calls:
            city = json.loads(call["function"]["arguments"])["city"]
            messages.append(
                {"role": "tool", "tool_call_id": call["id"], "content": "facts of " + city}
            )


main()
