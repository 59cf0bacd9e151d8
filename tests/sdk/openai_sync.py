"""openai-python, synchronous: a tool loop over Chat Completions."""

import json
import sys

from openai import OpenAI

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": description,
            "parameters": {
                "type": "object",
                "properties": {argument: {"type": kind}},
                "required": [argument],
            },
        },
    }
    for name, description, argument, kind in [
        ("get_temperature", "Returns the temperature of a city in Celsius", "city", "string"),
        ("to_fahrenheit", "Converts Celsius to Fahrenheit", "celsius", "number"),
    ]
]


def run_tool(name, arguments):
    if name == "get_temperature":
        return "20 degrees in " + arguments["city"]
    return "{:g} F".format(arguments["celsius"] * 9 / 5 + 32)


def main():
    client = OpenAI()
    # Traffic that is no model call: it must not shift any step.
    client.models.list()
    messages = [
        {"role": "system", "content": "You are a weather clerk."},
        {"role": "user", "content": sys.argv[1]},
    ]
    while True:
        answer = client.chat.completions.create(
            model="gpt-4o-mini", messages=messages, tools=TOOLS, temperature=0
        )
        message = answer.choices[0].message
        messages.append(message)
        if not message.tool_calls:
            print(message.content)
            return
        for call in message.tool_calls:
            result = run_tool(call.function.name, json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


main()
