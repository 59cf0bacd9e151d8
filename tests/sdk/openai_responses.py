"""openai-python, Responses API: a loop of function calls, each answer in one."""

import json
import sys

from openai import OpenAI

TOOL = {
    "type": "function",
    "name": "lookup",
    "description": "Looks a city up",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


def main():
    client = OpenAI()
    items = [{"role": "user", "content": sys.argv[1]}]
    while True:
        answer = client.responses.create(
            model="gpt-4o-mini", instructions="You are a guide.", input=items, tools=[TOOL]
        )
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            print(answer.status, answer.output_text)
            return
        items += answer.output
        for call in calls:
            city = json.loads(call.arguments)["city"]
            result = {"type": "function_call_output", "call_id": call.call_id}
            items.append(result | {"output": "facts of " + city})


main()
