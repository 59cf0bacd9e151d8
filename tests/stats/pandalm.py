"""Recounts what generate.py holds of PandaLM's people, from the file as it is published, and computes their kappas again.

The file is data/testset-v1.json of https://github.com/WeOpenML/PandaLM (Apache-2.0), or a CSV with a column for each of
annotator1 to annotator3:

python3 tests/stats/pandalm.py testset-v1.json

Needs the standard library alone. Ends with status 1 where a count, or a kappa at the two digits of the paper, is another one.
"""

import ast
import csv
import itertools
import json
import pathlib
import sys

PEOPLE = ["annotator1", "annotator2", "annotator3"]


def items(path):
    text = pathlib.Path(path).read_text(encoding="utf-8")
    rows = json.loads(text) if path.endswith(".json") else csv.DictReader(text.splitlines())
    return [[int(row[who]) for who in PEOPLE] for row in rows]


def expected():
    tree = ast.parse(pathlib.Path(__file__).with_name("generate.py").read_text())
    assigned = [node for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "PANDALM"]
    return ast.literal_eval(assigned[0].value)


def kappa(table):
    total = sum(map(sum, table))
    rows, columns = [sum(row) for row in table], [sum(column) for column in zip(*table)]
    seen = sum(table[at][at] for at in range(len(table))) / total
    chance = sum(row * column for row, column in zip(rows, columns)) / total**2
    return (seen - chance) / (1 - chance)


def main(path):
    labels, is_equal = items(path), True
    pairs = list(itertools.combinations(range(len(PEOPLE)), 2))
    for (first, second), (table, published) in zip(pairs, expected(), strict=True):
        found = [[sum(row[first] == a and row[second] == b for row in labels) for b in range(3)] for a in range(3)]
        same = found == table and round(kappa(found), 2) == published
        is_equal = is_equal and same
        print(f"{PEOPLE[first]} and {PEOPLE[second]}: {found}, kappa {kappa(found):.4f}, published {published}",
              "" if same else f"- expected {table}")
    return 0 if is_equal else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) if len(sys.argv) == 2 else __doc__)
