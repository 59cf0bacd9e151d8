"""Prints what GitHub's REST API takes in the requests that Rewind sends: for each, the schema of its body and of its query.

Usage: openapi.py api.github.com.json
"""

import json
import sys

REPOSITORY = "/repos/{owner}/{repo}"
USED = {
    "/issues": ["get", "post"],
    "/issues/{issue_number}": ["get", "patch"],
    "/issues/{issue_number}/events": ["get"],
    "/issues/{issue_number}/comments": ["get", "post"],
    "/issues/{issue_number}/labels": ["get", "post"],
    "/issues/{issue_number}/labels/{name}": ["delete"],
    "/issues/comments/{comment_id}": ["get", "patch", "delete"],
    "/pulls": ["get", "post"],
    "/pulls/{pull_number}": ["get", "patch"],
    "/check-runs": ["post"],
    "/check-runs/{check_run_id}": ["patch"],
    "/commits/{ref}": ["get"],
    "/commits/{ref}/check-runs": ["get"],
    "/collaborators/{username}/permission": ["get"],
    "/git/ref/{ref}": ["get"],
    "/git/refs": ["post"],
    "/git/refs/{ref}": ["patch"],
    "/actions/workflows/{workflow_id}/dispatches": ["post"],
}


def resolve(node, whole):
    """Returns the node as JSON Schema: references put in, `nullable` as a type."""
    if isinstance(node, list):
        return [resolve(item, whole) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        found = whole
        for name in node["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return resolve(found, whole)
    kept = {}
    for name, value in node.items():
        if name in ("description", "example", "examples", "nullable", "default"):
            if not isinstance(value, dict) or name in ("example", "examples"):
                continue
        kept[name] = resolve(value, whole)
    if node.get("nullable") is True:
        return {"anyOf": [kept, {"type": "null"}]}
    return kept


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        whole = json.load(file)
    requests = {}
    for path, methods in USED.items():
        for method in methods:
            operation = whole["paths"][REPOSITORY + path][method]
            content = operation.get("requestBody", {}).get("content", {})
            body = content.get("application/json", {}).get("schema")
            if body is not None:
                body = resolve(body, whole)
                if body.get("type") == "object":
                    # What GitHub does not know it drops, and we would not notice.
                    body["additionalProperties"] = False
            parameters = [resolve(one, whole) for one in operation.get("parameters", [])]
            query = {one["name"]: one["schema"] for one in parameters if one["in"] == "query"}
            requests[f"{method.upper()} {REPOSITORY}{path}"] = {"body": body, "query": query}
    json.dump(requests, sys.stdout, sort_keys=True)


main()
