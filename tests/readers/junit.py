"""Reads JUnit on standard input with junitparser and lists what it finds: a line for each suite and case."""

import sys

from junitparser import JUnitXml

report = JUnitXml.fromstring(sys.stdin.buffer.read())
for suite in report:
    print("suite", suite.tests, suite.failures, suite.errors, suite.skipped)
    for case in suite:
        results = [f"{type(one).__name__} {one.type}" for one in case.result]
        print("case", bool(case.name), bool(case.classname), case.time is not None, *results)
