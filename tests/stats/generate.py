"""Writes golden.json: what scipy, statsmodels, krippendorff and inspect_ai compute, for the tests of src/stats.

python3 -m venv /tmp/golden && /tmp/golden/bin/pip install -r tests/stats/requirements.txt
/tmp/golden/bin/python tests/stats/generate.py
"""

import itertools
import json
import math
import pathlib

import krippendorff

import numpy as np
from inspect_ai.scorer import SampleScore, Score, ci, stderr
from scipy import optimize, special, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint, samplesize_proportions_2indep_onetail, confint_proportions_2indep
from statsmodels.stats.power import NormalIndPower, normal_sample_size_one_tail

random = np.random.default_rng(20260101)


def special_cases():
    for a, b, x in [(1, 1, 0.3), (0.5, 0.5, 0.9), (2, 5, 0.01), (12, 1, 0.99), (50, 70, 0.4), (5e3, 4e3, 0.55),
                    (1e6, 2e6, 0.3333), (3, 1e6, 1e-6), (1e8, 3e8, 0.24999), (0.5, 20, 0.2), (7.5, 0.5, 0.999)]:
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


STAKES = [bet / 21 for bet in range(1, 21)]


def betting():
    for values, bound in [([-0.5, 0.2, -1, 1, -0.1], 0.0), (random.uniform(-1, 0.8, size=30).tolist(), 0.0),
                          (random.normal(-0.2, 0.1, size=25).clip(-1, 1).tolist(), -0.1)]:
        e_values = [np.mean([math.prod(1 + stake / (1 - bound) * (bound - x) for x in values[:n]) for stake in STAKES])
                    for n in range(1, len(values) + 1)]
        yield {"values": values, "bound": bound, "e_values": e_values}


def symmetry():
    for values, margin in [([-0.5, 0.2, -1, 1, -0.1], 0.0), (random.normal(-0.1, 0.2, size=25).tolist(), -0.05)]:
        capital, squares, count = 1.0, 2 * 0.25**2, 2
        for d in values:
            bet = 0.1 / (squares / count) * (margin - d)
            capital *= math.exp(bet) / math.cosh(bet)
            squares, count = squares + (margin - d) ** 2, count + 1
        yield {"values": values, "margin": margin, "e_value": capital}


def confidence_sequence():
    for values in [[1.0] * 12, (random.uniform(size=20) < 0.8).astype(float).tolist(), random.beta(5, 2, size=25).tolist()]:
        low, high, intervals = 0.0, 1.0, []
        for n in range(1, len(values) + 1):
            seen = values[:n]
            above = lambda m: np.mean([math.prod(1 + s * (x / m - 1) for x in seen) for s in STAKES]) - 40
            below = lambda m: np.mean([math.prod(1 + s * ((1 - x) / (1 - m) - 1) for x in seen) for s in STAKES]) - 40
            exact = {"xtol": 1e-15, "rtol": 1e-14}
            if above(1e-9) > 0:
                low = max(low, optimize.brentq(above, 1e-9, np.mean(seen), **exact))
            if below(1 - 1e-9) > 0:
                high = min(high, optimize.brentq(below, np.mean(seen), 1 - 1e-9, **exact))
            intervals.append([low, high])
        yield {"values": values, "intervals": intervals}


def proportions():
    rates = [0.03, 0.2, 0.5, 0.8, 0.97]
    for blocks in [[[[1, 0], [0, 1]]], [[[1, 0], [0, 1]]] * 5, [[[4, 0], [1, 2]], [[3, 1], [0, 3]], [[2, 2], [3, 0]]]]:
        bets = []
        for a, b in itertools.combinations(rates, 2):
            value = 1.0
            for (good_a, bad_a), (good_b, bad_b) in blocks:
                null = ((good_a + bad_a) * a + (good_b + bad_b) * b) / (good_a + bad_a + good_b + bad_b)
                value *= (a / null) ** bad_a * ((1 - a) / (1 - null)) ** good_a
                value *= (b / null) ** bad_b * ((1 - b) / (1 - null)) ** good_b
            bets.append(value)
        yield {"blocks": blocks, "e_value": np.mean(bets)}


def power():
    def case(function, value, *args, alpha=0.05, power=0.8):
        return {"function": function, "args": args, "alpha": alpha, "power": power, "value": float(value)}

    one_sample = NormalIndPower(ddof=0)
    for deviation, drop, n, alpha in [(0.28, 0.1, 50, 0.05), (1.0, 0.2, 10, 0.01), (0.5, 0.0, 7, 0.05)]:
        found = one_sample.power(drop / deviation, n, alpha, ratio=0, alternative="larger")
        yield case("power_for_mean", found, deviation, drop, n, alpha=alpha)
    for deviation, n, alpha, goal in [(0.28, 50, 0.05, 0.8), (1.0, 12, 0.01, 0.9)]:
        found = (stats.norm.isf(alpha) + stats.norm.ppf(goal)) * deviation / math.sqrt(n)
        solved = one_sample.solve_power(None, n, alpha, goal, ratio=0, alternative="larger") * deviation
        assert abs(found - solved) < 1e-6  # where its solver stops
        yield case("detectable_mean", found, deviation, n, alpha=alpha, power=goal)
    for deviation, drop, goal in [(0.28, 0.1, 0.8), (0.4, 0.05, 0.9), (0.1, 0.5, 0.8)]:
        found = normal_sample_size_one_tail(drop, goal, 0.05, deviation)
        yield case("pairs_for_mean", max(1, math.ceil(found)), deviation, drop, power=goal)
    for base, candidate in [(0.05, 0.2), (0.1, 0.5), (0.0, 0.3), (0.5, 0.55)]:
        found = samplesize_proportions_2indep_onetail(candidate - base, base, 0.8, alpha=0.05, alternative="larger")
        yield case("runs_for_rates", math.ceil(found), base, candidate)
    for n_a, a, n_b, b in [(12, 0.05, 12, 0.5), (3, 0.1, 3, 0.9), (30, 0.1, 20, 0.4), (5, 0.5, 2, 0.5)]:
        found = sum(stats.binom.pmf(i, n_a, a) * stats.binom.pmf(j, n_b, b)
                    for i in range(n_a + 1) for j in range(n_b + 1)
                    if stats.fisher_exact([[j, n_b - j], [i, n_a - i]], "greater").pvalue <= 0.05 + 1e-9)
        yield case("fisher_power", found, n_a, a, n_b, b)
    for n, worse, better in [(20, 0.08, 0.03), (50, 0.13, 0.03), (50, 0.23, 0.03), (100, 0.18, 0.03), (4, 0.5, 0.1)]:
        found = sum(stats.multinomial.pmf([w, b, n - w - b], n, [worse, better, 1 - worse - better])
                    for w in range(n + 1) for b in range(n + 1 - w) if stats.binom.sf(w - 1, w + b, 0.5) <= 0.05)
        yield case("mcnemar_power", found, n, worse, better)


def kappa():
    for table in [[[20, 5], [10, 15]], [[45, 15], [25, 15]], [[30, 2, 1], [3, 25, 4], [0, 5, 30]], [[8, 0], [1, 1]]]:
        found = cohens_kappa(np.array(table))
        yield {"table": table, "kappa": found.kappa, "standard_error": found.std_kappa,
               "interval": [max(found.kappa_low, -1), min(found.kappa_upp, 1)]}


def kappa_published():
    """The labels of three people, from https://github.com/WeOpenML/PandaLM (data/testset-v1.json); two judges of 200
    cases: J. Cohen, Psychological Bulletin 70 (1968), table 1."""
    for table, published in PANDALM:
        yield {"table": table, "published": published, "digits": 2}
    yield {"table": [[88, 14, 18], [10, 40, 10], [2, 6, 12]], "published": 0.492, "digits": 3}


def alpha_published():
    """K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), four observers of twelve units; J. L. Fleiss,
    Psychological Bulletin 76 (1971), table 1, six diagnoses of thirty patients: his kappa follows from the nominal alpha of
    n ratings as 1 - (1 - alpha) * n / (n - 1)."""
    observers = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]
    units = [[int(value) for value in unit if value != "."] for unit in zip(*observers, strict=True)]
    yield {"items": units, "nominal": 0.743, "ordinal": 0.815, "interval": 0.849}
    items = [[diagnosis for diagnosis, count in enumerate(row) for _ in range(int(count))] for row in FLEISS.split()]
    yield {"items": items, "fleiss_kappa": 0.430}


def alpha():
    nan = np.nan
    known = [[1, nan, 3, nan, 2], [1, 2, 3, 3, 2], [nan, 3, 3, 3, 2], [1, 2, 3, 3, 4]]
    lists = [np.array(known, dtype=float), random.integers(0, 4, size=(3, 20)).astype(float),
             np.repeat(random.integers(0, 2, size=(1, 15)), 3, axis=0).astype(float)]
    lists[2][1, 3] = 1 - lists[2][1, 3]
    lists[1][0, ::4] = nan
    for ratings in lists:
        found = {level: krippendorff.alpha(ratings, level_of_measurement=level) for level in ("nominal", "ordinal", "interval")}
        yield {"items": [[x for x in unit if not np.isnan(x)] for unit in ratings.T], **found}


# Their own generator: what other cases draw stays as it is.
more = np.random.default_rng(20261130)


def permutation():
    def less(candidate, base, axis):
        return np.mean(candidate, axis=axis) - np.mean(base, axis=axis)

    pairs = [([1, 1, 1], [0, 0, 0]), ([0.9, 0.9, 0.5, 1], [0.9, 0.5, 0.5]), ([0.3, 0.3], [0.3, 0.3])]
    pairs += [(more.random(n).round(2).tolist(), more.random(m).round(2).tolist()) for n, m in [(3, 12), (6, 6), (5, 9)]]
    for base, candidate in pairs:
        found = stats.permutation_test((candidate, base), less, permutation_type="independent", vectorized=True,
                                       n_resamples=np.inf, alternative="less")
        yield {"base": base, "candidate": candidate, "lower": found.pvalue}


def welch():
    pairs = [([0.5, 0.7], [0.1, 0.2]), ([1, 1, 1], [0, 1, 1]), ([0.9, 0.8, 0.85, 0.9], [0.7, 0.3])]
    pairs += [(more.random(n).tolist(), more.random(m).tolist()) for n, m in [(3, 12), (12, 12), (2, 30)]]
    for base, candidate in pairs:
        for level in (0.8, 0.95):
            found = stats.ttest_ind(candidate, base, equal_var=False).confidence_interval(level)
            yield {"base": base, "candidate": candidate, "level": level, "interval": [found.low, found.high]}


def newcombe():
    for base, candidate in [((3, 0), (0, 3)), ((56, 14), (48, 32)), ((9, 1), (3, 7)), ((1, 0), (2, 1)), ((10, 0), (20, 0)), ((5, 51), (0, 29))]:
        for level in (0.9, 0.95):
            found = confint_proportions_2indep(candidate[0], sum(candidate), base[0], sum(base), method="newcomb",
                                               compare="diff", alpha=1 - level)
            yield {"base": base, "candidate": candidate, "level": level, "interval": list(found)}


def clustered_labels():
    """Clusters of items with what two raters say, from a generator of their own."""
    own = np.random.default_rng(20261130)
    for groups, most in [(8, 6), (15, 3), (4, 12)]:
        clusters = []
        for _ in range(groups):
            quality = own.uniform(0.2, 0.95)
            first = own.uniform(size=own.integers(1, most + 1)) < quality
            second = np.where(own.uniform(size=len(first)) < own.uniform(0.6, 1), first, ~first)
            clusters.append(np.stack([first, second], axis=1).astype(int).tolist())
        yield clusters


def wilson_clustered():
    """Wilson with the effective number of runs of Korn and Graubard; the variance is that of OLS with clusters."""
    for clusters in clustered_labels():
        runs = [[pair[1] for pair in cluster] for cluster in clusters]
        values, labels = np.concatenate(runs).astype(float), np.repeat(range(len(runs)), [len(run) for run in runs])
        fit = OLS(values, np.ones(len(values))).fit(cov_type="cluster", cov_kwds={"groups": labels, "use_correction": False})
        rate, n = values.mean(), len(values)
        effective = min(rate * (1 - rate) / fit.bse[0] ** 2, n)
        effective *= (stats.t.isf(0.025, n - 1) / stats.t.isf(0.025, len(runs) - 1)) ** 2
        yield {"clusters": runs, "interval": proportion_confint(rate * effective, effective, 0.05, "wilson")}


def kappa_clustered():
    """The infinitesimal jackknife, numerically: how kappa changes with the weight of each item, summed by cluster."""
    def weighted(first, second, weights):
        table = np.zeros((2, 2))
        np.add.at(table, (first, second), weights)
        return cohens_kappa(table, return_results=False)

    for clusters in clustered_labels():
        first, second = np.array([pair for cluster in clusters for pair in cluster]).T
        labels = np.repeat(range(len(clusters)), [len(cluster) for cluster in clusters])
        n, step = len(first), 1e-5
        slope = [(weighted(first, second, np.ones(n) + step * (np.arange(n) == at))
                  - weighted(first, second, np.ones(n) - step * (np.arange(n) == at))) / (2 * step) for at in range(n)]
        sums = np.bincount(labels, weights=slope)
        error = math.sqrt((sums ** 2).sum() * len(sums) / (len(sums) - 1))
        value, half = weighted(first, second, np.ones(n)), stats.t.isf(0.025, len(sums) - 1) * error
        yield {"clusters": clusters, "kappa": value, "standard_error": error,
               "interval": [max(value - half, -1), min(value + half, 1)]}


# Their own generator, again.
cusum = np.random.default_rng(20261201)


def climbs(steps):
    """The sums of a chart and for how long each has been above nothing, by all sums of the latest steps rather than by
    Page's recursion."""
    sums = [max(0.0, max(math.fsum(steps[start:end]) for start in range(end))) for end in range(1, len(steps) + 1)]
    lengths = [0 if value < 1e-12 else end - max([at + 1 for at in range(end) if sums[at] < 1e-12], default=0)
               for end, value in enumerate(sums, 1)]
    return sums, lengths


def cusum_share():
    for usual, shifted, rates, samples in [(0.95, 0.85, [0.95] * 8 + [0.6] * 8, 5), (0.9, 0.8, [0.9] * 12, 3),
                                           (0.5, 0.6, [0.5] * 5 + [0.8] * 9, 12), (0.948, 0.848, [1.0] * 6 + [0.0] * 3, 4)]:
        runs = []
        for rate in rates:
            count = int(cusum.integers(0, samples + 1))
            passed = int(cusum.binomial(count, rate))
            runs.append([passed, count - passed])
        steps = [stats.binom.logpmf(p, p + f, shifted) - stats.binom.logpmf(p, p + f, usual) for p, f in runs]
        sums, lengths = climbs(steps)
        yield {"usual": usual, "shifted": shifted, "runs": runs, "sums": sums, "lengths": lengths}


def cusum_mean():
    """Each value against all before it: the t statistic of a prediction, as a normal score of at most 4."""
    for slack, least, values in [(0.5, 0.001, cusum.normal(0.8, 0.05, size=30)), (0.5, 0.02, [1.0] * 6 + [0.9] * 6),
                                 (0.25, 1e-9, np.concatenate([cusum.normal(0.8, 0.05, 15), cusum.normal(0.7, 0.05, 15)])),
                                 (0.5, 0.02, [0.9, 0.86] * 8 + [0.0, 0.95, 0.95, 0.97])]:
        down, up = [0.0, 0.0], [0.0, 0.0]
        for n in range(2, len(values)):
            past = np.asarray(values[:n], dtype=float)
            deviation = max(past.std(ddof=1), least)
            t = (values[n] - past.mean()) / (deviation * math.sqrt(1 + 1 / n))
            z = math.copysign(min(stats.norm.isf(stats.t.sf(abs(t), n - 1)), 4.0), t)
            down.append(-z - slack)
            up.append(z - slack)
        yield {"slack": slack, "least": least, "values": list(map(float, values)), "down": climbs(down)[0], "up": climbs(up)[0]}


PANDALM = [
    ([[89, 0, 8], [16, 388, 23], [11, 29, 435]], 0.85),
    ([[89, 2, 6], [15, 391, 21], [9, 18, 448]], 0.88),
    ([[97, 13, 6], [10, 379, 28], [6, 19, 441]], 0.86),
]

FLEISS = """00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006"""

GOLDEN = {
    "betting": list(betting()),
    "symmetry": list(symmetry()),
    "confidence_sequence": list(confidence_sequence()),
    "proportions": list(proportions()),
    "power": list(power()),
    "kappa": list(kappa()),
    "kappa_published": list(kappa_published()),
    "alpha": list(alpha()),
    "permutation": list(permutation()),
    "welch": list(welch()),
    "newcombe": list(newcombe()),
    "random": list(random_cases()),
    "multiple": list(multiple()),
    "sign_flip": list(sign_flip()),
    "clustered": list(clustered()),
    "bootstrap": list(bootstrap()),
    "bootstrap_scipy": list(bootstrap_scipy()),
    "special": [{"function": f, "args": a, "value": v} for f, a, v in special_cases()],
    "proportion_interval": list(proportion_interval()),
    "mcnemar": list(mcnemar_cases()),
    "wilson_clustered": list(wilson_clustered()),
    "kappa_clustered": list(kappa_clustered()),
    "alpha_published": list(alpha_published()),
    "cusum_share": list(cusum_share()),
    "cusum_mean": list(cusum_mean()),
}


def rows(cases):
    return "[\n" + ",\n".join(json.dumps(case, default=float) for case in cases) + "\n]"


if __name__ == "__main__":
    text = ",\n".join(f"{json.dumps(name)}: {rows(cases)}" for name, cases in GOLDEN.items())
    pathlib.Path(__file__).with_name("golden.json").write_text("{\n" + text + "\n}\n")
