"""Holds the JUnit XML on standard input against the schema of Jenkins."""

import os
import sys

from lxml import etree

SCHEMA = os.path.join(os.path.dirname(__file__), "../../target/test-env/junit-10.xsd")

report = etree.fromstring(sys.stdin.buffer.read())
etree.XMLSchema(file=SCHEMA).assertValid(report)
print(len(report.findall(".//testcase")), "cases")
