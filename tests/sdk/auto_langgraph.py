"""LangGraph: a travel agent with tools as LangChain makes them, one of which injects state; nothing of Rewind."""

import os
from typing import Annotated

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedState, ToolNode, tools_condition


def note(line):
    with open("done", "a") as file:
        file.write(line + "\n")


@tool
def flight_details(flight: str, state: Annotated[dict, InjectedState]) -> dict:
    """Tells about a flight."""
    note("looked at " + flight)
    return {"flight": flight, "seats": 3, "said": len(state["messages"])}


@tool
def weather(city: str) -> str:
    """Tells the weather."""
    raise LookupError("no weather for " + city)


@tool
def book_flight(flight: str) -> str:
    """Books a flight."""
    note("booked " + flight)
    return "booked " + flight


TOOLS = [flight_details, weather, book_flight]
MODEL = ChatOpenAI(model="gpt-4o-mini").bind_tools(TOOLS)
PROMPT = ("system", os.environ.get("PROMPT", "You are a travel agent."))

graph = StateGraph(MessagesState)
graph.add_node("model", lambda state: {"messages": [MODEL.invoke([PROMPT, *state["messages"]])]})
graph.add_node("tools", ToolNode(TOOLS, handle_tool_errors=True))
graph.add_edge(START, "model")
graph.add_conditional_edges("model", tools_condition, {"tools": "tools", END: END})
graph.add_edge("tools", "model")
print(graph.compile().invoke({"messages": [("user", "Oslo, please.")]})["messages"][-1].content)
