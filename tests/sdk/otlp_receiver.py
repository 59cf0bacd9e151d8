"""An OTLP/HTTP backend on opentelemetry-proto: is busy once, then takes all but one span of each request.

Prints its address, and appends what it decoded to the file that is named, a JSON line for each request.
"""

import gzip
import http.server
import json
import sys

from google.protobuf.json_format import MessageToDict, Parse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

BUSY = [503]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if BUSY:
            self.send_response(BUSY.pop())
            self.send_header("retry-after", "0")
            self.end_headers()
            return
        if self.headers["content-encoding"] == "gzip":
            body = gzip.decompress(body)
        kind = self.headers["content-type"]
        if kind == "application/json":
            # Ids are hexadecimal digits here, where protobuf's own JSON has base64.
            request = json.loads(body)
        else:
            message = ExportTraceServiceRequest()
            message.ParseFromString(body)
            request = MessageToDict(message)
            assert not message.FindInitializationErrors()
            assert Parse(json.dumps(request), ExportTraceServiceRequest()) == message
        line = {"path": self.path, "kind": kind, "headers": dict(self.headers), "request": request}
        with open(sys.argv[1], "a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        answer = ExportTraceServiceResponse()
        answer.partial_success.rejected_spans = 1
        answer.partial_success.error_message = "one is too many"
        self.send_response(200)
        self.end_headers()
        if kind == "application/json":
            partial = {"rejectedSpans": "1", "errorMessage": "one is too many"}
            self.wfile.write(json.dumps({"partialSuccess": partial}).encode())
        else:
            self.wfile.write(answer.SerializeToString())

    def log_message(self, *_words):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
