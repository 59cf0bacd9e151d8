"""Writes golden.json: what scipy, statsmodels, krippendorff and inspect_ai compute, for the tests of src/stats.

python3 -m venv /tmp/golden && /tmp/golden/bin/pip install -r tests/stats/requirements.txt
/tmp/golden/bin/python tests/stats/generate.py
"""

import itertools
import json
import math
import pathlib

import numpy as np
from inspect_ai.scorer import SampleScore, Score, ci, stderr
from scipy import special, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.multitest import multipletests
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


MASK = (1 << 64) - 1


class Xoshiro:
    """xoshiro256** 1.0, seeded by SplitMix64."""

    def __init__(self, seed):
        self.state = []
        for _ in range(4):
            seed = (seed + 0x9E3779B97F4A7C15) & MASK
            z = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
            z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
            self.state.append(z ^ (z >> 31))

    def bits(self):
        s = self.state
        rotate = lambda x, k: ((x << k) | (x >> (64 - k))) & MASK
        result = (rotate((s[1] * 5) & MASK, 7) * 9) & MASK
        t = (s[1] << 17) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotate(s[3], 45)
        return result

    def below(self, end):
        most = MASK - MASK % end
        while (bits := self.bits()) >= most:
            pass
        return bits % end


def random_cases():
    for seed in [0, 1, 42, MASK]:
        source = Xoshiro(seed)
        yield {"seed": seed, "bits": [source.bits() for _ in range(4)], "below_10": [source.below(10) for _ in range(8)]}


def multiple():
    for p_values in [[0.01], [0.04, 0.03, 0.01], [0.5, 0.5, 0.5], [0.001, 0.2, 0.04, 0.04, 1.0, 0.0],
                     random.uniform(size=25).round(4).tolist()]:
        yield {"p_values": p_values, "holm": multipletests(p_values, method="holm")[1].tolist(),
               "benjamini_hochberg": multipletests(p_values, method="fdr_bh")[1].tolist()}


def sign_flip():
    lists = [[-0.5], [0.1, -0.2, 0.3], [-0.1] * 6, [0.25, -0.5, -0.5, 0.0, -0.75, -0.25],
             (random.integers(-4, 3, size=11) / 4).tolist(), random.normal(-0.1, 0.3, size=10).tolist(),
             random.normal(0.05, 0.2, size=17).tolist()]
    for differences in lists:
        if len(differences) in (10, 11):
            found = {side: stats.permutation_test((differences,), np.sum, permutation_type="samples", vectorized=True,
                                                  n_resamples=np.inf, alternative=side).pvalue
                     for side in ("less", "greater", "two-sided")}
        else:
            seen = math.fsum(differences)
            sums = [math.fsum(sign * d for sign, d in zip(signs, differences))
                    for signs in itertools.product((1, -1), repeat=len(differences))]
            share = lambda hits: sum(hits) / len(sums)
            found = {"less": share(s <= seen + 1e-12 for s in sums), "greater": share(s >= seen - 1e-12 for s in sums),
                     "two-sided": share(abs(s) >= abs(seen) - 1e-12 for s in sums)}
        yield {"differences": differences, "lower": found["less"], "higher": found["greater"],
               "two_sided": found["two-sided"]}


def some_groups():
    yield [[0.1, 0.2], [0.9], [0.4, 0.6, 0.5]]
    yield [[1, 0], [1, 1], [0, 0, 0], [1]]
    yield [np.clip(random.normal(center, 0.1, size=size), 0, 1).tolist()
           for center, size in zip(random.uniform(size=9), random.integers(1, 7, size=9))]


def clustered():
    for groups in some_groups():
        values, labels = np.concatenate(groups), np.repeat(range(len(groups)), [len(g) for g in groups])
        scores = [SampleScore(score=Score(value=float(v)), sample_metadata={"session": int(label)})
                  for v, label in zip(values, labels)]
        low_high = ci(level=0.95, method="t", cluster="session")(scores)
        plain = OLS(values, np.ones(len(values))).fit(cov_type="cluster", cov_kwds={"groups": labels, "use_correction": False})
        yield {"groups": groups, "mean": values.mean(), "inspect_stderr": stderr(cluster="session")(scores),
               "inspect_ci": list(low_high.values()), "cr0": plain.bse[0]}


def bootstrap():
    for seed, groups in enumerate(some_groups()):
        draws, source = 999, Xoshiro(seed)
        sums, sizes = [sum(g) for g in groups], [len(g) for g in groups]
        means = []
        for _ in range(draws):
            drawn = [source.below(len(groups)) for _ in groups]
            means.append(sum(sums[i] for i in drawn) / sum(sizes[i] for i in drawn))
        means = np.array(means)
        mean = sum(sums) / sum(sizes)
        left_out = np.array([(sum(sums) - a) / (sum(sizes) - b) for a, b in zip(sums, sizes)])
        gaps = left_out.mean() - left_out
        skew = (gaps**3).sum() / (6 * (gaps**2).sum() ** 1.5)
        bias = stats.norm.ppf((means < mean).mean() + (means == mean).mean() / 2)
        corrected = [stats.norm.cdf(bias + (bias + z) / (1 - skew * (bias + z))) for z in stats.norm.ppf([0.025, 0.975])]
        yield {"groups": groups, "draws": draws, "seed": seed, "percentile": np.quantile(means, [0.025, 0.975]).tolist(),
               "bca": np.quantile(means, corrected).tolist()}


def bootstrap_scipy():
    for values in [random.beta(5, 1, size=30), random.normal(0, 0.3, size=20)]:
        found = stats.bootstrap((values,), np.mean, n_resamples=50_000, method="BCa", rng=1).confidence_interval
        yield {"values": values.tolist(), "bca": [found.low, found.high]}


GOLDEN = {
    "random": list(random_cases()),
    "multiple": list(multiple()),
    "sign_flip": list(sign_flip()),
    "clustered": list(clustered()),
    "bootstrap": list(bootstrap()),
    "bootstrap_scipy": list(bootstrap_scipy()),
    "special": [{"function": f, "args": a, "value": v} for f, a, v in special_cases()],
    "proportion_interval": list(proportion_interval()),
    "mcnemar": list(mcnemar_cases()),
}


def rows(cases):
    return "[\n" + ",\n".join(json.dumps(case, default=float) for case in cases) + "\n]"


if __name__ == "__main__":
    text = ",\n".join(f"{json.dumps(name)}: {rows(cases)}" for name, cases in GOLDEN.items())
    pathlib.Path(__file__).with_name("golden.json").write_text("{\n" + text + "\n}\n")
