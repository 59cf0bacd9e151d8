"""Writes the traces in this folder anew: released SDKs run team.py, pydantic_team.py, graph_team.py and vercel_team.mjs
against the scripted model, and what their exporters send is kept as it came.

    python3 -m venv venv && venv/bin/pip install -r tests/traces/requirements.txt
    npm ci --ignore-scripts --prefix tests/traces
    cargo build && venv/bin/python tests/traces/generate.py target/debug/rewind [TRACER…]

The spans of Langfuse's SDK are written down a second time as its server gives them out, by the rules of its API
reference: `langfuse.v1.json` as GET /api/public/traces/{id} does, `langfuse.v2.json` as the rows of
GET /api/public/v2/observations. What LangSmith's client sends is put together as `client.list_runs()` gives it:
`langsmith.jsonl.gz`.
"""

import gzip
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading
import datetime

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

HERE = pathlib.Path(__file__).parent
TRACERS = {
    "langfuse": "team.py",
    "openinference": "team.py",
    "openllmetry": "team.py",
    "openai-v2": "team.py",
    "pydantic-ai": "pydantic_team.py",
    "langgraph": "graph_team.py",
    "langsmith": "graph_team.py",
    "vercel-ai": "vercel_team.mjs",
}
QUESTION = "Write a briefing on the 2024 heat pump market."


class Sink(http.server.BaseHTTPRequestHandler):
    body = b""
    runs = {}

    def do_GET(self):
        # What LangSmith says of itself: runs are taken in JSON, several at once.
        batches = {"scale_up_qsize_trigger": 1000, "scale_up_nthreads_limit": 1, "scale_down_nempty_trigger": 4}
        batches |= {"use_multipart_endpoint": False, "size_limit": 100, "size_limit_bytes": 20971520}
        answer = {"version": "0.15.0", "batch_ingest_config": batches}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.body_of_request()
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path.endswith("/v1/traces"):
            # Messages one behind the other are one message.
            Sink.body += body
        elif self.path.endswith("/runs/batch"):
            batch = json.loads(body)
            for run in batch.get("post", []) + batch.get("patch", []):
                known = Sink.runs.setdefault(run["id"], {})
                known.update({name: field for name, field in run.items() if field is not None})
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def body_of_request(self):
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers["content-length"]))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *_args):
        pass


def value(any_value):
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        return [value(item) for item in any_value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: value(pair.value) for pair in any_value.kvlist_value.values}
    return getattr(any_value, kind) if kind else None


def attributes(pairs):
    return {pair.key: value(pair.value) for pair in pairs}


def parsed(text):
    """Reads JSON where a text holds some, as the server does."""
    try:
        return json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return text


def usage(details):
    """Takes parts out of the whole, as the server does with what the OpenAI SDK counts."""
    if not details:
        return {}
    counts = {"input": details["prompt_tokens"], "output": details["completion_tokens"]}
    counts["total"] = details["total_tokens"]
    for side, name in (("input", "prompt_tokens_details"), ("output", "completion_tokens_details")):
        for part, count in (details.get(name) or {}).items():
            counts[f"{side}_{part}"] = count
            counts[side] -= count
    return counts


def time(nanos):
    moment = datetime.datetime.fromtimestamp(nanos / 1e9, datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rows(request):
    for resource_spans in request.resource_spans:
        resource = attributes(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                own = attributes(span.attributes)
                field = lambda name: own.get(f"langfuse.observation.{name}")
                is_error = field("level") == "ERROR" or span.status.code == 2
                yield {
                    "id": span.span_id.hex(),
                    "traceId": span.trace_id.hex(),
                    "parentObservationId": span.parent_span_id.hex() or None,
                    "projectId": "clxdemo0project",
                    "type": (field("type") or "span").upper(),
                    "name": span.name,
                    "startTime": time(span.start_time_unix_nano),
                    "endTime": time(span.end_time_unix_nano),
                    "level": "ERROR" if is_error else "DEFAULT",
                    "statusMessage": field("status_message") or span.status.message or None,
                    "version": None,
                    "environment": own.get("langfuse.environment", "default"),
                    "completionStartTime": parsed(field("completion_start_time")),
                    "input": field("input"),
                    "output": field("output"),
                    "metadata": {
                        **{
                            name.removeprefix("langfuse.observation.metadata."): parsed(text)
                            for name, text in own.items()
                            if name.startswith("langfuse.observation.metadata.")
                        },
                        "resourceAttributes": resource,
                        "scope": {"name": scope_spans.scope.name, "version": scope_spans.scope.version},
                    },
                    "model": field("model.name"),
                    "modelId": None,
                    "modelParameters": parsed(field("model.parameters")) or {},
                    "usageDetails": usage(parsed(field("usage_details"))),
                    "costDetails": {},
                    "promptId": None,
                    "inputPrice": None,
                    "outputPrice": None,
                    "totalPrice": None,
                }


def flat(value, prefix=""):
    if not isinstance(value, dict):
        return {prefix: value}
    return {key: leaf for name, item in value.items() for key, leaf in flat(item, f"{prefix}.{name}".strip(".")).items()}


def langfuse(body):
    found = sorted(rows(ExportTraceServiceRequest.FromString(body)), key=lambda row: row["startTime"])
    root = next(row for row in found if row["parentObservationId"] is None)
    first = [{**row, "input": parsed(row["input"]), "output": parsed(row["output"])} for row in found]
    trace = {
        "id": root["traceId"],
        "projectId": "clxdemo0project",
        "name": root["name"],
        "timestamp": root["startTime"],
        "environment": "production",
        "tags": ["research", "prod"],
        "release": "v2026.11.3",
        "version": None,
        "userId": "user_8812",
        "sessionId": "sess_7f3a",
        "public": False,
        "input": parsed(root["input"]),
        "output": parsed(root["output"]),
        "metadata": {"prompt_version": "14"},
        "scores": [{"id": "s1", "name": "groundedness", "value": 0.2, "dataType": "NUMERIC", "comment": None}],
        "latency": 1.5,
        "totalCost": 0.0,
        "observations": first,
    }
    second = [
        {
            **row,
            "metadata": flat(row["metadata"]),
            "model": row["model"] or "",
            "isRootObservation": row is root,
            "traceName": root["name"],
            "sessionId": "sess_7f3a",
            "userId": "user_8812",
            "tags": ["research", "prod"],
            "promptName": "",
        }
        for row in found
    ]
    second.sort(key=lambda row: (row["startTime"], row["id"]), reverse=True)
    return trace, second


def write(name, value):
    (HERE / name).write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sink = f"http://127.0.0.1:{server.server_port}"
    model = subprocess.Popen([sys.argv[1], "scripted", HERE / "team.toml"], stdout=subprocess.PIPE, text=True)
    base = model.stdout.readline().strip()
    try:
        for tracer in sys.argv[2:] or TRACERS:
            Sink.body, Sink.runs = b"", {}
            environment = {
                **os.environ,
                "TRACER": tracer,
                "OPENAI_API_KEY": "sk-none",
                "OPENAI_BASE_URL": f"{base}/v1",
                "OTEL_EXPORTER_OTLP_ENDPOINT": sink,
                "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
                "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY",
                "LANGFUSE_PUBLIC_KEY": "pk-lf-test",
                "LANGFUSE_SECRET_KEY": "sk-lf-test",
                "LANGFUSE_BASE_URL": sink,
                "LANGFUSE_TRACING_ENVIRONMENT": "production",
                "LANGSMITH_ENDPOINT": sink,
                "LANGSMITH_API_KEY": "lsv2_none",
                "LANGSMITH_PROJECT": "team",
                "LANGSMITH_TRACING": str(tracer == "langsmith").lower(),
            }
            agent = HERE / TRACERS[tracer]
            program = "node" if agent.suffix == ".mjs" else sys.executable
            subprocess.run([program, agent, QUESTION], env=environment, check=True)
            if tracer == "langsmith":
                runs = sorted(Sink.runs.values(), key=lambda run: run["dotted_order"])
                lines = (json.dumps(run, ensure_ascii=False) + "\n" for run in runs)
                packed = gzip.compress("".join(lines).encode(), mtime=0)
                (HERE / "langsmith.jsonl.gz").write_bytes(packed)
                continue
            if tracer in ("langgraph", "vercel-ai"):
                # Each node repeats the whole state, each call its messages twice.
                (HERE / f"{tracer}.pb.gz").write_bytes(gzip.compress(Sink.body, mtime=0))
                continue
            (HERE / f"{tracer}.pb").write_bytes(Sink.body)
            if tracer == "langfuse":
                first, second = langfuse(Sink.body)
                write("langfuse.v1.json", first)
                write("langfuse.v2.json", second)
    finally:
        model.terminate()


main()
