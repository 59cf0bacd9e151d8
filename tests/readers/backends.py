"""Asserts what a tracing backend shows of an exported session, and writes down what it gives out; see scripts/check-export."""

import json
import sys
import time
import urllib.request


def get(url, body=None):
    """Returns the JSON that a URL answers."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:
        return json.load(answer)


def mlflow(base):
    """Returns for each trace its spans: name, type, whether it failed, tokens."""
    place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}
    found = get(base + "/api/3.0/mlflow/traces/search", {"locations": [place], "max_results": 100})
    traces = []
    for info in found["traces"]:
        whole = get(f"{base}/api/3.0/mlflow/traces/get?trace_id={info['trace_id']}")
        spans = []
        for span in whole["trace"]["spans"]:
            said = {one["key"]: one["value"] for one in span["attributes"]}
            failed = "ERROR" in str(span.get("status", {}).get("code", ""))
            kind = said.get("mlflow.spanType", {}).get("string_value", "").strip('"')
            spans.append((span["name"], kind, failed, said.get("mlflow.chat.tokenUsage")))
        traces.append(spans)
    return traces


def phoenix(base):
    """Returns the same for Phoenix."""
    found = get(base + "/v1/projects/rewind/spans?limit=1000")["data"]
    traces = {}
    for span in found:
        attributes = span["attributes"]
        tokens = attributes.get("llm.token_count.prompt")
        line = (span["name"], span["span_kind"], span["status_code"] == "ERROR", tokens)
        traces.setdefault(span["context"]["trace_id"], []).append(line)
    return list(traces.values())


def dump(kind, base):
    """Returns what it gives out of the newest trace, or of all."""
    if kind == "phoenix":
        return get(base + "/v1/projects/rewind/spans/otlpv1?limit=1000")
    place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}
    found = get(base + "/api/3.0/mlflow/traces/search", {"locations": [place], "max_results": 1})
    return get(f"{base}/api/3.0/mlflow/traces/get?trace_id={found['traces'][0]['trace_id']}")


def annotations(base):
    """Returns the scores that Phoenix shows."""
    spans = get(base + "/v1/projects/rewind/spans?limit=1000")["data"]
    roots = [span["context"]["span_id"] for span in spans if not span["parent_id"]]
    asked = "&".join(f"span_ids={root}" for root in roots)
    found = get(f"{base}/v1/projects/rewind/span_annotations?{asked}")["data"]
    return sorted(one["result"]["score"] for one in found if one["name"] == "correctness")


def settled(read, wanted):
    """Returns what is read once it is as wanted: backends take what was sent one by one, behind the answer."""
    for _second in range(120):
        found = read()
        if wanted(found):
            break
        time.sleep(1)
    return found


def main():
    kind, base, count, file = sys.argv[1:]
    read = {"mlflow": mlflow, "phoenix": phoenix}[kind]
    traces = settled(lambda: read(base), lambda found: sum(map(len, found)) >= int(count))
    model = {"mlflow": "CHAT_MODEL", "phoenix": "LLM"}[kind]
    for spans in traces:
        for span in spans:
            print(*span)
    # Two timelines, though each was sent twice.
    assert len(traces) == 2, len(traces)
    for spans in traces:
        kinds = [span[1] for span in spans]
        assert "AGENT" in kinds and "TOOL" in kinds and model in kinds, kinds
        assert all(span[3] for span in spans if span[1] == model), spans
        assert len({span[0] for span in spans}) > 3
    assert sum(map(len, traces)) == int(count), traces
    if kind == "phoenix":
        # Two scores, though each was sent twice.
        scores = settled(lambda: annotations(base), lambda found: len(found) >= 2)
        assert scores == [0.2, 0.95], scores
    with open(file, "w", encoding="utf-8") as out:
        json.dump(dump(kind, base), out)


main()
