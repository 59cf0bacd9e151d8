"""OpenAI Agents SDK: a travel agent with a tool that reads, one that books and one that fails; nothing of Rewind."""

import asyncio
import os

from agents import Agent, Runner, function_tool


def note(line):
    with open("done", "a") as file:
        file.write(line + "\n")


@function_tool
def flight_details(flight: str) -> dict:
    """Tells about a flight."""
    note("looked at " + flight)
    return {"flight": flight, "seats": 3}


@function_tool
async def weather(city: str) -> str:
    """Tells the weather."""
    raise LookupError("no weather for " + city)


@function_tool
def book_flight(flight: str) -> str:
    """Books a flight."""
    note("booked " + flight)
    return "booked " + flight


async def main():
    prompt = os.environ.get("PROMPT", "You are a travel agent.")
    tools = [flight_details, weather, book_flight]
    agent = Agent(name="travel", model="gpt-4o-mini", instructions=prompt, tools=tools)
    print((await Runner.run(agent, "Oslo, please.")).final_output)


asyncio.run(main())
