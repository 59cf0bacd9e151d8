"""A supervisor and a researcher as graphs of LangGraph, with the models of LangChain.

TRACER chooses what writes down the run: nothing, or langgraph, which is OpenInference's instrumentation of LangChain, or langsmith,
LangSmith's own client, which LANGSMITH_TRACING turns on.
"""

import os
import sys

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

if os.environ.get("TRACER") == "langgraph":
    from openinference.instrumentation.langchain import LangChainInstrumentor
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    LangChainInstrumentor().instrument(tracer_provider=provider)


@tool
def web_search(query: str, top_k: int = 3) -> str:
    """Search the web."""
    return f"on: {query}"


@tool
def fetch_page(url: str) -> str:
    """Fetch a page as text."""
    if "paywall" in url:
        raise PermissionError(f"HTTP 403 fetching {url}")
    return "European sales: 2.6M units in 2023, 2.0M in 2024."


@tool
def calculator(expression: str) -> float:
    """Evaluate arithmetic."""
    return eval(expression, {"__builtins__": {}})


def agent(name, system, tools, **settings):
    """Returns a graph of a model and its tools, over and over until the model calls none."""
    model = ChatOpenAI(model="gpt-4o-mini", max_retries=0, **settings).bind_tools(tools)
    graph = StateGraph(MessagesState)
    graph.add_node(name, lambda state: {"messages": [model.invoke([("system", system), *state["messages"]])]})
    graph.add_node("tools", ToolNode(tools, handle_tool_errors=lambda error: f"ERROR {error}"))
    graph.set_entry_point(name)
    graph.add_conditional_edges(name, tools_condition)
    graph.add_edge("tools", name)
    return graph.compile(name=name)


def ask(graph, question):
    """Returns what a graph answers."""
    return graph.invoke({"messages": [("user", question)]})["messages"][-1].content


researcher = agent(
    "researcher",
    "You are a researcher. Use tools; cite numbers exactly.",
    [web_search, fetch_page, calculator],
    temperature=0.1,
)


@tool
def delegate_research(question: str) -> str:
    """Ask the researcher."""
    return ask(researcher, question)


@tool
def delegate_writing(outline: str) -> str:
    """Ask the writer."""
    model = ChatOpenAI(model="gpt-4o", max_retries=0, temperature=0.7, streaming=True)
    return model.invoke([("system", "You are the writer. One section, plain words."), ("user", f"Outline: {outline}")]).content


team = agent("supervisor", "You are the supervisor. Delegate.", [delegate_research, delegate_writing], temperature=0)

print(ask(team, sys.argv[1]))
if os.environ.get("TRACER") == "langsmith":
    from langchain_core.tracers.langchain import wait_for_all_tracers

    wait_for_all_tracers()
