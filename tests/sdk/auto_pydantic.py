"""pydantic-ai: a travel agent whose tools take a context, give a model, ask to try again; nothing of Rewind."""

import os

from pydantic import BaseModel
from pydantic_ai import Agent, ModelRetry, RunContext


def note(line):
    with open("done", "a") as file:
        file.write(line + "\n")


class Flight(BaseModel):
    flight: str
    seats: int


agent = Agent("openai-chat:gpt-4o-mini", instructions=os.environ.get("PROMPT", "You are a travel agent."))


@agent.tool
def flight_details(ctx: RunContext[None], flight: str) -> Flight:
    """Tells about a flight."""
    note("looked at " + flight)
    return Flight(flight=flight, seats=3)


@agent.tool_plain
async def weather(city: str) -> str:
    """Tells the weather."""
    raise ModelRetry("no weather for " + city)


@agent.tool_plain
def book_flight(flight: str) -> str:
    """Books a flight."""
    note("booked " + flight)
    return "booked " + flight


print(agent.run_sync("Oslo, please.").output)
