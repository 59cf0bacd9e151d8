"""OpenAI Agents SDK: a triage agent hands off to a specialist with a tool (Responses API)."""

import asyncio
import sys

from agents import Agent, Runner, function_tool, set_tracing_disabled


@function_tool
def refund_status(order: str) -> str:
    """Returns the status of an order's refund."""
    return "the refund of " + order + " was sent on Monday"


async def main():
    set_tracing_disabled(True)
    refunds = Agent(
        name="refunds",
        model="gpt-4o-mini",
        instructions="You are the refund specialist.",
        tools=[refund_status],
    )
    triage = Agent(
        name="triage",
        model="gpt-4o-mini",
        instructions="You are the triage desk.",
        handoffs=[refunds],
    )
    result = await Runner.run(triage, sys.argv[1])
    print(result.final_output)


asyncio.run(main())
