"""Holds requests to a judge against the types of the providers' SDKs: JSON lines of path and body."""

import json
import sys

import pydantic
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming

TYPES = {
    "/v1/chat/completions": CompletionCreateParamsNonStreaming,
    "/v1/messages": MessageCreateParamsNonStreaming,
}

for line in sys.stdin:
    request = json.loads(line)
    known = TYPES[request["path"]]
    unknown = set(request["body"]) - known.__required_keys__ - known.__optional_keys__
    assert not unknown, unknown
    pydantic.TypeAdapter(known).validate_python(request["body"])
    print("ok", request["path"])
