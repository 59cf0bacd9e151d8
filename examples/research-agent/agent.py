"""A research team of language models: a supervisor, researchers, a fact checker and a writer.

    python3 agent.py "Tokyo population"

The supervisor delegates by tool calls: `research` starts a researcher on one question,
`check_facts` a fact checker on one claim. Calls of one answer run at the same time. When the
supervisor has no further calls, the writer streams the report, which is printed.

Needs Python 3 and nothing else. The model is any endpoint that speaks OpenAI's chat completions:
OPENAI_BASE_URL says where, OPENAI_API_KEY lets us in. RESEARCH_PROMPTS names a folder whose prompts
are taken before those in `prompts/`. REWIND_INPUT is the topic where no argument is.
"""

import ast
import json
import operator
import os
import re
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODEL = "gpt-4o-mini"
MAX_TURNS = 12
CORPUS = json.loads((HERE / "corpus.json").read_text(encoding="utf-8"))


# --- the model ------------------------------------------------------------------------------------


def prompt(agent):
    """Returns the system prompt of an agent."""
    folders = [os.environ.get("RESEARCH_PROMPTS", "prompts"), "prompts"]
    files = [HERE / folder / f"{agent}.txt" for folder in folders]
    return next(file for file in files if file.exists()).read_text(encoding="utf-8").strip()


def post(body):
    """Sends a request to the model and returns the open response."""
    base = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1")
    headers = {
        "content-type": "application/json",
        "authorization": "Bearer " + os.environ.get("OPENAI_API_KEY", ""),
    }
    data = json.dumps({"model": MODEL, "temperature": 0, **body}).encode()
    request = urllib.request.Request(base + "/chat/completions", data, headers)
    return urllib.request.urlopen(request, timeout=120)


def ask(messages, tools):
    """Returns the model's next message."""
    schemas = [TOOLS[name].schema(name) for name in tools]
    with post({"messages": messages, "tools": schemas}) as answer:
        return json.load(answer)["choices"][0]["message"]


def stream(messages):
    """Yields the pieces of the model's next text while it is being written."""
    options = {"stream": True, "stream_options": {"include_usage": True}}
    with post({"messages": messages, **options}) as answer:
        for line in answer:
            data = line.decode().strip().removeprefix("data: ")
            if not data.startswith("{"):
                continue  # blank lines between events, and the closing [DONE]
            for choice in json.loads(data)["choices"]:
                yield choice["delta"].get("content") or ""


def conversation(agent, task):
    return [{"role": "system", "content": prompt(agent)}, {"role": "user", "content": task}]


def run_agent(agent, task):
    """Lets an agent call its tools until it answers; returns the answer and all tool results."""
    messages, results = conversation(agent, task), []
    for _turn in range(MAX_TURNS):
        message = ask(messages, AGENTS[agent])
        messages.append(message)
        calls = message.get("tool_calls") or []
        if not calls:
            return message["content"], results
        with ThreadPoolExecutor() as pool:
            answers = list(pool.map(lambda call: use_tool(agent, call["function"]), calls))
        results += answers
        for call, content in zip(calls, answers):
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": content})
    sys.exit(f"the {agent} found no end in {MAX_TURNS} turns")


# --- tools ----------------------------------------------------------------------------------------


class Tool:
    """A function with one text argument that a model may call."""

    def __init__(self, function, parameter, description):
        self.function, self.parameter, self.description = function, parameter, description

    def schema(self, name):
        parameters = {
            "type": "object",
            "properties": {self.parameter: {"type": "string"}},
            "required": [self.parameter],
        }
        function = {"name": name, "description": self.description, "parameters": parameters}
        return {"type": "function", "function": function}


def use_tool(agent, call):
    """Returns the result of a tool call; what is wrong with the call is told to the model."""
    if call["name"] not in AGENTS[agent]:
        return f"There is no tool {call['name']}."
    tool = TOOLS[call["name"]]
    argument = json.loads(call["arguments"]).get(tool.parameter)
    if argument is None:
        return f"The argument {tool.parameter} is missing."
    return tool.function(argument)


def web_search(query):
    """Returns the page of the corpus that has most words in common with the query."""
    wanted = set(re.findall(r"\w+", query.lower()))
    best = max(CORPUS, key=lambda page: len(wanted & set(page["keywords"])))
    if not wanted & set(best["keywords"]):
        return "Nothing found."
    return f"{best['text']} (source: {best['source']})"


OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
}


def calculator(expression):
    """Returns the value of an expression of numbers, parentheses and + - * /."""

    def value(node):
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            return node.value
        if isinstance(node, ast.BinOp):
            return OPERATORS[type(node.op)](value(node.left), value(node.right))
        if isinstance(node, ast.UnaryOp):
            return OPERATORS[type(node.op)](value(node.operand))
        raise KeyError(node)

    try:
        return f"{value(ast.parse(expression, mode='eval').body):.10g}"
    except (SyntaxError, KeyError, ZeroDivisionError, OverflowError):
        return f"Can't calculate {expression}."


TOOLS = {
    "research": Tool(
        lambda question: run_agent("researcher", question)[0],
        "question",
        "Let a researcher find the answer to one question.",
    ),
    "check_facts": Tool(
        lambda claim: run_agent("fact_checker", claim)[0],
        "claim",
        "Let a fact checker verify one claim.",
    ),
    "web_search": Tool(web_search, "query", "Search the web."),
    "calculator": Tool(calculator, "expression", "Calculate: numbers, parentheses and + - * /."),
}

# The tools of each agent; the writer has none.
AGENTS = {
    "supervisor": ["research", "check_facts"],
    "researcher": ["web_search", "calculator"],
    "fact_checker": ["web_search", "calculator"],
}


# --- the team -------------------------------------------------------------------------------------


def main():
    topic = " ".join(sys.argv[1:]) or os.environ.get("REWIND_INPUT")
    if not topic:
        sys.exit('usage: python3 agent.py "TOPIC"')
    outline, notes = run_agent("supervisor", topic)
    task = "\n- ".join([f"Topic: {topic}\nOutline: {outline}\nNotes:", *notes])
    for piece in stream(conversation("writer", task)):
        print(piece, end="", flush=True)
    print()


if __name__ == "__main__":
    main()
