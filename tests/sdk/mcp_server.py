"""mcp, the official Python SDK: a server that finds flights and books them into bookings.txt.

Usage: mcp_server.py [TRANSPORT PORT]; TRANSPORT is `streamable-http` or `sse`; else it speaks over its standard streams.
"""

import sys

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

server = MCPServer("travel")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
async def find_flight(city: str, ctx: Context) -> str:
    """Finds a flight to a city"""
    await ctx.report_progress(1, 2)
    return "flight " + city.upper() + "-7"


@server.tool(annotations=ToolAnnotations(destructive_hint=True))
def book(flight: str) -> str:
    """Books a flight"""
    with open("bookings.txt", "a") as bookings:
        bookings.write(flight + "\n")
    return "booked " + flight


@server.tool()
def fail(reason: str) -> str:
    """Fails"""
    raise ToolError(reason)


@server.resource("policy://baggage")
def baggage() -> str:
    return "two bags"


@server.prompt()
def clerk(name: str) -> str:
    return "You are " + name + ", a travel clerk."


if __name__ == "__main__":
    print("the server is up", file=sys.stderr)
    if sys.argv[1:]:
        server.run(sys.argv[1], host="127.0.0.1", port=int(sys.argv[2]))
    server.run()
