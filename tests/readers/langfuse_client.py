"""Reads a trace with the client of the released Langfuse SDK: langfuse_client.py HOST TRACE_ID; prints JSON."""

import json
import sys

from langfuse.api import LangfuseAPI

host, trace_id = sys.argv[1:]
client = LangfuseAPI(base_url=host, username="pk-lf-test", password="sk-lf-test")
observations, cursor = [], None
while True:
    page = client.observations.get_many(trace_id=trace_id, fields="core,basic,io,metadata,model,usage", limit=10, cursor=cursor)
    observations += page.data
    cursor = page.meta.cursor
    if not cursor:
        break
kinds = {}
for one in observations:
    kinds[one.type] = kinds.get(one.type, 0) + 1
ids = {one.id for one in observations}
parents = sum(one.parent_observation_id in ids for one in observations)
print(json.dumps({"kinds": kinds, "parents": parents}))
