"""Commits the checksums of a release on top of the commit that it was built from, signed by GitHub, and tags that commit.

    python3 packaging/commit.py CHECKSUMS

Who pins the action by the tagged commit pins the programs, too. The commit is the end of a branch of its own, `released/vVERSION`; where the
branch is there already, nothing is done. The environment is that of a job; the standard library alone.
"""

import base64
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

COMMIT = """mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid signature { isValid } } }
}"""


def ask(url, body):
    """Posts JSON and returns the answer."""
    headers = {"Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"commit: {url}: {error.code} {error.read().decode(errors='replace')}")


def main(checksums):
    repository, built = os.environ["GITHUB_REPOSITORY"], os.environ["GITHUB_SHA"]
    version = (Path(__file__).resolve().parent.parent / "action/VERSION").read_text().strip()
    refs = f"{os.environ['GITHUB_API_URL']}/repos/{repository}/git/refs"
    branch = f"released/v{version}"
    ask(refs, {"ref": f"refs/heads/{branch}", "sha": built})
    contents = base64.b64encode(Path(checksums).read_bytes()).decode()
    commit = {
        "branch": {"repositoryNameWithOwner": repository, "branchName": branch},
        "expectedHeadOid": built,
        "message": {"headline": f"Release {version}", "body": f"The checksums of what was built from {built}."},
        "fileChanges": {"additions": [{"path": "action/checksums.txt", "contents": contents}]},
    }
    answer = ask(os.environ["GITHUB_GRAPHQL_URL"], {"query": COMMIT, "variables": {"input": commit}})
    if answer.get("errors"):
        sys.exit(f"commit: {answer['errors']}")
    made = answer["data"]["createCommitOnBranch"]["commit"]
    if not made["signature"]["isValid"]:
        sys.exit(f"commit: GitHub did not sign {made['oid']}")
    ask(refs, {"ref": f"refs/tags/v{version}", "sha": made["oid"]})
    print(made["oid"])


main(*sys.argv[1:])
