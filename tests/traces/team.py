"""A supervisor, a researcher and a writer, on the OpenAI SDK: 30 steps and more, as they go to production.

TRACER chooses what writes down the run: nothing, langfuse, openinference, openllmetry or openai-v2.
PROMPT_VERSION=15 is the fix of what went wrong with 14.
"""

import json
import os
import sys

TRACER = os.environ.get("TRACER", "")

if TRACER == "langfuse":
    from langfuse import get_client, observe
    from langfuse.openai import OpenAI
else:
    from openai import OpenAI

    if TRACER:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor

        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(provider)
        if TRACER == "openinference":
            from openinference.instrumentation.openai import OpenAIInstrumentor
        elif TRACER == "openai-v2":
            from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
        else:
            from opentelemetry.instrumentation.openai import OpenAIInstrumentor
        OpenAIInstrumentor().instrument()
        tracer = trace.get_tracer("team")

    def observe(name=None, as_type=None):
        """Marks agents and tools as the GenAI conventions have it."""

        def wrap(function):
            if not TRACER:
                return function

            def traced(*args, **kwargs):
                operation = "execute_tool" if as_type == "tool" else "invoke_agent"
                with tracer.start_as_current_span(f"{operation} {name}") as span:
                    span.set_attribute("gen_ai.operation.name", operation)
                    if as_type == "tool":
                        span.set_attribute("gen_ai.tool.name", name)
                        span.set_attribute("gen_ai.tool.call.arguments", json.dumps(kwargs))
                    else:
                        span.set_attribute("gen_ai.agent.name", name)
                    result = function(*args, **kwargs)
                    if as_type == "tool":
                        span.set_attribute("gen_ai.tool.call.result", json.dumps(result))
                    return result

            return traced

        return wrap


WRITER = "You are the writer. One section, plain words."
if os.environ.get("PROMPT_VERSION", "14") == "15":
    WRITER = "You are the writer. Quote every number exactly as the notes have it."

client = OpenAI(max_retries=0)


def tool(name, description, **properties):
    schema = {"type": "object", "properties": properties, "required": list(properties)[:1]}
    function = {"name": name, "description": description, "parameters": schema}
    return {"type": "function", "function": function}


TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
RESEARCH = [
    tool("web_search", "Search the web.", query=TEXT, top_k=NUMBER),
    tool("fetch_page", "Fetch a page as text.", url=TEXT),
    tool("calculator", "Evaluate arithmetic.", expression=TEXT),
]
DELEGATE = [
    tool("delegate_research", "Ask the researcher.", question=TEXT),
    tool("delegate_writing", "Ask the writer.", outline=TEXT),
]


@observe(name="web_search", as_type="tool")
def web_search(query, top_k=3):
    return {"results": [{"title": "Heat pumps", "url": "https://example.org/hp", "snippet": f"on: {query}"}]}


@observe(name="fetch_page", as_type="tool")
def fetch_page(url):
    if "paywall" in url:
        raise PermissionError(f"HTTP 403 fetching {url}")
    return "European sales: 2.6M units in 2023, 2.0M in 2024.\nAverage seasonal COP 3.7."


@observe(name="calculator", as_type="tool")
def calculator(expression):
    return eval(expression, {"__builtins__": {}})


def run(name, arguments, tools):
    try:
        result = tools[name](**arguments)
    except PermissionError as error:
        return f"ERROR {error}"
    return result if isinstance(result, str) else json.dumps(result)


def loop(system, question, definitions, tools, **settings):
    messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    while True:
        answer = client.chat.completions.create(
            model="gpt-4o-mini", messages=messages, tools=definitions, **settings
        )
        message = answer.choices[0].message
        if not message.tool_calls:
            return message.content
        messages.append(message.model_dump(exclude_none=True))
        for call in message.tool_calls:
            result = run(call.function.name, json.loads(call.function.arguments), tools)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


@observe(name="researcher", as_type="agent")
def delegate_research(question):
    tools = {"web_search": web_search, "fetch_page": fetch_page, "calculator": calculator}
    system = "You are a researcher. Use tools; cite numbers exactly."
    return loop(system, question, RESEARCH, tools, temperature=0.1, max_tokens=800)


@observe(name="writer", as_type="agent")
def delegate_writing(outline):
    stream = client.chat.completions.create(
        model="gpt-4o",
        messages=[{"role": "system", "content": WRITER}, {"role": "user", "content": f"Outline: {outline}"}],
        temperature=0.7,
        stream=True,
    )
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


@observe(name="research-team", as_type="agent")
def team(question):
    tools = {"delegate_research": delegate_research, "delegate_writing": delegate_writing}
    return loop("You are the supervisor. Delegate.", question, DELEGATE, tools, temperature=0)


if __name__ == "__main__":
    print(team(sys.argv[1]))
    if TRACER == "langfuse":
        get_client().flush()
