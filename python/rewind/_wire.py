"""The local protocol, version 1: two requests to the port of the run."""

import asyncio
import contextvars
import functools
import http.client
import json
from urllib.parse import urlsplit

from ._errors import RewindToolError


def post(base, path, message):
    """Sends a message and returns what came back; never goes through a proxy."""
    url = urlsplit(base)
    connection = http.client.HTTPConnection(url.hostname, url.port or 80)
    try:
        body = json.dumps(message, ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass")
        connection.request("POST", url.path + path, body, {"content-type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
    except OSError as error:
        raise RewindToolError(f"Rewind does not answer at REWIND_TOOLS: {error}") from None
    finally:
        connection.close()
    if answer.status == 204:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        found = {}
    if answer.status != 200:
        said = found.get("error", {}) if isinstance(found, dict) else {}
        raise RewindToolError(f"Rewind refused a message of the tool protocol: {said.get('message', answer.status)}")
    return found


async def post_async(base, path, message):
    """Sends a message without holding up the event loop."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return post(base, path, message)
    context = contextvars.copy_context()
    work = functools.partial(context.run, post, base, path, message)
    return await loop.run_in_executor(None, work)
