"""The IT help desk: a LangGraph agent behind FastAPI.

    uvicorn app:app --port 8000
    curl -s localhost:8000/chat -H 'content-type: application/json' -d '{"message": "VPN is down"}'

OPENAI_API_KEY is the key of the model; OPENAI_BASE_URL says where it is, if not at OpenAI.
"""

from __future__ import annotations

import operator
from typing import Annotated, Literal, TypedDict

from fastapi import FastAPI, HTTPException
from langchain_core.messages import AnyMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, StateGraph
from openai import APIError
from pydantic import BaseModel, Field

import directory

TRIAGE = "You route requests to the IT help desk. Choose the one category that fits best."
EXPERT = (
    "You are the IT help desk's expert for {category}. Check the state of the service before you "
    "answer. Open a ticket only where the employee can't solve it alone. Answer in two sentences."
)


class Route(BaseModel):
    """Where a request belongs."""

    category: Literal["network", "accounts", "hardware"]
    urgent: bool = Field(description="Whether the employee can't work at all")


class State(TypedDict, total=False):
    request: str
    route: Route
    messages: Annotated[list[AnyMessage], operator.add]


@tool
def service_status(service: str) -> str:
    """Return whether a service works, and since when not."""
    return directory.status(service)


@tool
def open_ticket(team: str, summary: str) -> str:
    """Open a ticket for a team; returns its number."""
    return directory.open_ticket(team, summary)


TOOLS = {each.name: each for each in (service_status, open_ticket)}


async def triage(state: State) -> State:
    """Finds the category of a request."""
    model = ChatOpenAI(model="gpt-4o-mini", temperature=0).with_structured_output(
        Route, method="function_calling"
    )
    route = await model.ainvoke([SystemMessage(TRIAGE), HumanMessage(state["request"])])
    expert = SystemMessage(EXPERT.format(category=route.category))
    return {"route": route, "messages": [expert, HumanMessage(state["request"])]}


async def expert(state: State) -> State:
    """Lets the expert answer, or call tools."""
    model = ChatOpenAI(model="gpt-4o-mini", temperature=0).bind_tools(list(TOOLS.values()))
    return {"messages": [await model.ainvoke(state["messages"])]}


async def tools(state: State) -> State:
    """Runs the tools that the expert called."""
    results = []
    for call in state["messages"][-1].tool_calls:
        result = await TOOLS[call["name"]].ainvoke(call["args"])
        results.append(ToolMessage(result, tool_call_id=call["id"], name=call["name"]))
    return {"messages": results}


def goes_on(state: State) -> str:
    return "tools" if state["messages"][-1].tool_calls else END


def build():
    graph = StateGraph(State)
    graph.add_node("triage", triage)
    graph.add_node("expert", expert)
    graph.add_node("tools", tools)
    graph.add_edge(START, "triage")
    graph.add_edge("triage", "expert")
    graph.add_conditional_edges("expert", goes_on, ["tools", END])
    graph.add_edge("tools", "expert")
    return graph.compile()


app = FastAPI(title="IT help desk")
helpdesk = build()


class Question(BaseModel):
    message: str = Field(min_length=1)


class Reply(BaseModel):
    reply: str
    category: str
    urgent: bool


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/chat")
async def chat(question: Question) -> Reply:
    try:
        state = await helpdesk.ainvoke({"request": question.message}, {"recursion_limit": 20})
    except APIError as error:
        raise HTTPException(502, f"the model could not answer: {error}") from error
    route = state["route"]
    text = state["messages"][-1].content
    return Reply(reply=text, category=route.category, urgent=route.urgent)
