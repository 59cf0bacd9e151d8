"""google-genai, streaming: a chat that calls a Python function by itself; prints every chunk."""

import sys

from google import genai
from google.genai import types


def lookup(city: str) -> str:
    """Looks a city up"""
    return "facts of " + city


def main():
    client = genai.Client()
    chat = client.chats.create(
        model="gemini-2.5-flash",
        config=types.GenerateContentConfig(system_instruction="You are a guide.", tools=[lookup]),
    )
    text = ""
    for chunk in chat.send_message_stream(sys.argv[1]):
        shown = chunk.model_dump_json(exclude_none=True, exclude={"sdk_http_response"})
        print("event", shown)
        text += "".join(part.text or "" for part in chunk.parts or [])
    print(text)


main()
