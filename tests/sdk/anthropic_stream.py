"""anthropic-python, streaming: prints every event as the SDK hands it over, then the answer."""

import sys

from anthropic import Anthropic

TOOL = {
    "name": "lookup",
    "description": "Looks a city up",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


def main():
    client = Anthropic()
    messages = [{"role": "user", "content": sys.argv[1]}]
    while True:
        with client.messages.stream(
            model="claude-sonnet-4-5",
            max_tokens=500,
            system="You are a guide.",
            messages=messages,
            tools=[TOOL],
        ) as stream:
            for event in stream:
                print("event", event.model_dump_json(exclude_unset=True, warnings=False))
            answer = stream.get_final_message()
        messages.append({"role": "assistant", "content": answer.content})
        results = [
            {
                "type": "tool_result",
                "tool_use_id": block.id,
                "content": "facts of " + block.input["city"],
            }
            for block in answer.content
            if block.type == "tool_use"
        ]
        if not results:
            print("".join(block.text for block in answer.content if block.type == "text"))
            return
        messages.append({"role": "user", "content": results})


main()
