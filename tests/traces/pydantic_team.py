"""A supervisor and a researcher on pydantic-ai, which writes its own spans."""

import sys

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
Agent.instrument_all()

model = OpenAIChatModel("gpt-4o-mini")
researcher = Agent(model, name="researcher", instructions="You are a researcher.")
supervisor = Agent(model, name="supervisor", instructions="You are the supervisor.")


@researcher.tool_plain
def web_search(query: str, top_k: int) -> str:
    return f"on: {query}"


@researcher.tool_plain
def fetch_page(url: str) -> str:
    if "paywall" in url:
        return f"HTTP 403 fetching {url}"
    return "European sales: 2.6M units in 2023, 2.0M in 2024."


@researcher.tool_plain
def calculator(expression: str) -> float:
    return eval(expression, {"__builtins__": {}})


@supervisor.tool_plain
async def delegate_research(question: str) -> str:
    return (await researcher.run(question)).output


@supervisor.tool_plain
def delegate_writing(outline: str) -> str:
    return "European sales rose 23% to 2.6M units in 2024."


print(supervisor.run_sync(sys.argv[1]).output)
