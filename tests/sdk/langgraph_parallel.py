"""LangGraph: three branches in parallel, each one a model call, joined by a writer."""

import operator
import sys
from typing import Annotated, TypedDict

from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, StateGraph

VIEWS = ["history", "food", "transport"]


class State(TypedDict):
    city: str
    notes: Annotated[list, operator.add]
    answer: str


def branch(view):
    def run(state):
        answer = ChatOpenAI(model="gpt-4o-mini", temperature=0).invoke(
            [
                ("system", "You are an expert for " + view + "."),
                ("user", "What about " + state["city"] + "?"),
            ]
        )
        return {"notes": [(view, answer.content)]}

    return run


def write(state):
    notes = "\n".join(text for _, text in sorted(state["notes"]))
    answer = ChatOpenAI(model="gpt-4o-mini", temperature=0).invoke(
        [("system", "You are the writer."), ("user", notes)]
    )
    return {"answer": answer.content}


def main():
    graph = StateGraph(State)
    graph.add_node("write", write)
    for view in VIEWS:
        graph.add_node(view, branch(view))
        graph.add_edge(START, view)
    graph.add_edge(VIEWS, "write")
    graph.add_edge("write", END)
    print(graph.compile().invoke({"city": sys.argv[1], "notes": []})["answer"])


main()
