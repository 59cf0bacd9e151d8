"""Writes golden.json: what scipy, statsmodels, krippendorff and inspect_ai compute, for the tests of src/stats.

python3 -m venv /tmp/golden && /tmp/golden/bin/pip install -r tests/stats/requirements.txt
/tmp/golden/bin/python tests/stats/generate.py
"""

import itertools
import json
import pathlib

import numpy as np
from scipy import special, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

random = np.random.default_rng(20260101)


def special_cases():
    for a, b, x in [(1, 1, 0.3), (0.5, 0.5, 0.9), (2, 5, 0.01), (12, 1, 0.99), (50, 70, 0.4), (5e3, 4e3, 0.55),
                    (1e6, 2e6, 0.3333), (3, 1e6, 1e-6), (0.5, 20, 0.2), (7.5, 0.5, 0.999)]:
        yield "betainc", [a, b, x], special.betainc(a, b, x)
    for a, b, p in [(1, 13, 0.025), (12, 1, 0.025), (6, 7, 0.975), (400, 600, 0.005), (1e5, 3, 0.5), (1, 1e6, 0.025)]:
        yield "betaincinv", [a, b, p], special.betaincinv(a, b, p)
    for k, n, p in [(0, 5, 0.5), (5, 5, 0.5), (3, 12, 0.9), (500, 1000, 0.5), (100000, 1000000, 0.1), (1, 2, 0.001)]:
        yield "binom.pmf", [k, n, p], stats.binom.pmf(k, n, p)
    for z in [-8, -1, 0, 0.3, 1, 1.96, 2.4999, 2.5, 4, 6]:
        yield "norm.sf", [z], stats.norm.sf(z)
    for p in [0.5, 0.025, 0.975, 0.05, 1e-6, 0.2, 0.9999]:
        yield "norm.isf", [p], stats.norm.isf(p)
    for t, df in [(0, 3), (1, 1), (-2, 5), (2.1, 30), (5, 2), (1.7, 1000)]:
        yield "t.sf", [t, df], stats.t.sf(t, df)
    for p, df in [(0.025, 1), (0.025, 5), (0.05, 49), (0.005, 3), (0.4, 200)]:
        yield "t.isf", [p, df], stats.t.isf(p, df)


def proportion_interval():
    for passed, failed in [(0, 1), (1, 0), (0, 12), (12, 0), (3, 9), (11, 1), (44, 2), (500, 500), (1, 99999),
                           (700000, 300000)]:
        for level in [0.8, 0.95, 0.99]:
            count, total = passed, passed + failed
            yield {"passed": passed, "failed": failed, "level": level,
                   "wilson": proportion_confint(count, total, 1 - level, "wilson"),
                   "clopper_pearson": proportion_confint(count, total, 1 - level, "beta")}


def mcnemar_cases():
    for worse, better in [(0, 0), (1, 0), (0, 1), (5, 0), (6, 0), (3, 3), (9, 2), (2, 9), (40, 25), (600, 500), (1000, 1000)]:
        n, low = worse + better, min(worse, better)
        tail, point = stats.binom.sf(worse - 1, n, 0.5), stats.binom.pmf(worse, n, 0.5)
        yield {"worse": worse, "better": better, "p_worse": tail, "mid_p_worse": tail - point / 2,
               "p_two_sided": mcnemar([[7, worse], [better, 7]], exact=True).pvalue if n else 1.0,
               "mid_p_two_sided": 2 * stats.binom.cdf(low, n, 0.5) - stats.binom.pmf(low, n, 0.5)}


GOLDEN = {
    "special": [{"function": f, "args": a, "value": v} for f, a, v in special_cases()],
    "proportion_interval": list(proportion_interval()),
    "mcnemar": list(mcnemar_cases()),
}


def rows(cases):
    return "[\n" + ",\n".join(json.dumps(case, default=float) for case in cases) + "\n]"


if __name__ == "__main__":
    text = ",\n".join(f"{json.dumps(name)}: {rows(cases)}" for name, cases in GOLDEN.items())
    pathlib.Path(__file__).with_name("golden.json").write_text("{\n" + text + "\n}\n")
