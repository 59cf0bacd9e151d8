"""A server on the standard library alone, with tools that misbehave. Writes what it reads to heard.log."""

import json
import sys
import time


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def answer(message, result):
    say(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}))


heard = open("heard.log", "a")
waiting = None
for line in sys.stdin:
    heard.write(line)
    heard.flush()
    message = json.loads(line)
    method = message.get("method")
    name = message.get("params", {}).get("name")
    if method == "initialize":
        answer(message, {"protocolVersion": "2025-06-18", "capabilities": {}})
    elif method == "tools/list":
        answer(message, {"tools": [{"name": "echo", "annotations": {"readOnlyHint": True}}]})
    elif method == "tools/call" and name == "echo":
        # Spaces that no encoder writes.
        say('{ "jsonrpc":"2.0",  "id":%s, "result":{"content":[ ]}  }' % json.dumps(message["id"]))
    elif method == "tools/call" and name == "error":
        error = {"code": -32602, "message": "no such tool", "data": [1]}
        say(json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": error}))
    elif method == "tools/call" and name == "garbage":
        say("not json at all")
        say('{"jsonrpc":"2.0","id":99,"result":')
        answer(message, {"content": []})
    elif method == "tools/call" and name == "long":
        answer(message, {"content": "x" * message["params"]["arguments"]["length"]})
    elif method == "tools/call" and name == "crash":
        say('{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"last words"}}')
        sys.exit(3)
    elif method == "tools/call" and name == "stubborn":
        answer(message, {"content": []})
        sys.stdout.flush()
        time.sleep(1000)
    elif method == "tools/call" and name == "ask":
        waiting = message
        params = {"maxTokens": 5, "messages": []}
        say(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "sampling/createMessage", "params": params}))
    elif "result" in message and waiting:
        answer(waiting, {"content": message["result"]})
        waiting = None
    elif method in ("logging/setLevel", "ping"):
        answer(message, {})
