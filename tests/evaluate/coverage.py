"""How often a nominal 95 % interval holds the truth, on simulated cohorts whose truth is known.

`python -m tests.evaluate.coverage 400` prints the table of what ships from 400 cohorts a row, and with `--others` that
of the methods it was chosen from. Scores are binormal: half of their variance belongs to the patient, who has one to
six images; two models share 70 % of it, trainings 70 % again, and the skill of a training scatters by TAU, half of that
with its start, which both models share.
"""

import argparse

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

from cxrkd.evaluate import paired_difference
from cxrkd.evaluate.inputs import as_cases
from cxrkd.evaluate.jackknife import rate_interval
from cxrkd.evaluate.leaving import label_aurocs

PATIENTS, LABELS, TAU = 200, 5, 0.12
POSITIVE_PATIENTS, AUROCS = (15, 18, 30, 60), (0.75, 0.85, 0.95)
FIGURES = ("AUROC", "macro of five", "difference", "of macros", "ratio", "skill")


def effect(auroc):
    """Distance of the classes that gives this AUROC with one training."""
    return np.sqrt(2) * norm.ppf(auroc)


def truth(auroc, seeds):
    """AUROC in the mean over trainings."""
    return norm.cdf(effect(auroc) / np.sqrt(2 + (TAU**2 if seeds > 1 else 0)))


def cohort(rng, n_positive, aurocs, seeds):
    """Logits of two models (2, R, N, K), targets (N, K), patients (N,)."""
    who = np.repeat(np.arange(PATIENTS), np.minimum(rng.geometric(0.55, PATIENTS), 6))
    ill = np.array([rng.permutation(PATIENTS) < n_positive for _ in range(LABELS)]).T
    targets = ill[who] & (rng.random((len(who), LABELS)) < 0.75)
    first = np.unique(who, return_index=True)[1]
    none_left = ill & (np.add.reduceat(targets, first) == 0)
    targets[first] |= none_left

    def noise(*shape):
        of_patient, of_image = rng.normal(size=(*shape, PATIENTS, LABELS)), rng.normal(size=(*shape, len(who), LABELS))
        return np.sqrt(0.5) * (of_patient[..., who, :] + of_image)

    score = np.sqrt(0.7) * noise() + np.sqrt(0.3) * noise(2)
    start, own = rng.normal(size=seeds), rng.normal(size=(2, seeds))
    scatter = TAU * np.sqrt(0.5) * (start + own) if seeds > 1 else np.zeros((2, 1))
    each = np.sqrt(0.7) * score[:, None] + np.sqrt(0.3) * noise(2, seeds) if seeds > 1 else score[:, None]
    lift = effect(np.array(aurocs))[:, None] + scatter
    return each + lift[..., None, None] * targets, targets.astype(float), who


def ours(logits, targets, who):
    """Intervals of what ships, for each of FIGURES; of single findings one for each label."""
    names = [str(k) for k in range(targets.shape[1])]
    a = label_aurocs(logits[0], as_cases(targets, who, names), np.ones(len(names), bool))
    found = paired_difference(logits[0], logits[1], targets, who, names)
    single = [[rate_interval(a.label(k)) for k in range(len(names))], [(row.low, row.high) for row in found.labels]]
    shares = [(found.ratio_low, found.ratio_high)], [(found.skill_low, found.skill_high)]
    return [single[0], [rate_interval(a.macro())], single[1], [(found.macro_low, found.macro_high)], *shares]


def truths(aurocs, seeds):
    """The right value of each of FIGURES."""
    a, b = (truth(auroc, seeds) for auroc in aurocs)
    return [a, a, a - b, a - b, a / b, (a - 0.5) / (b - 0.5)]


def hits(n_cohorts, n_positive, aurocs, seeds, intervals=ours, seed=0):
    """For each figure, bool: did the interval hold the truth, in every cohort (and label)."""
    rng = np.random.default_rng([seed, n_positive, seeds, *(round(1000 * a) for a in aurocs)])
    right = truths(aurocs, seeds)
    found = [intervals(*cohort(rng, n_positive, aurocs, seeds)) for _ in range(n_cohorts)]
    return [np.array([low <= value <= high for one in found for low, high in one[i]]) for i, value in enumerate(right)]


def others(method, n_boot=500):
    """Intervals of another method for the first four figures, of one training; see METHODS."""

    def intervals(logits, targets, who):
        cases = as_cases(targets, who, [str(k) for k in range(targets.shape[1])])
        models = [label_aurocs(z, cases, np.ones(len(cases.labels), bool)) for z in logits]
        rng = np.random.default_rng(0)
        times = rng.multinomial(cases.n_patients, np.full(cases.n_patients, 1 / cases.n_patients), n_boot).T
        weights = times[cases.row_of] if method is not delong else None
        drawn = [_drawn(z[0], targets, weights) if method is not delong else None for z in logits]

        def make(take, rate):
            value, left = (take(*(getattr(m, name)[:, 0] for m in models)) for name in ("values", "without"))
            boot = take(*drawn) if method is not delong else None
            return method(float(value), left, boot, rate)

        single = range(len(cases.labels))
        return [
            [make(lambda a, b, k=k: a[k], True) for k in single],
            [make(lambda a, b: a.mean(0), True)],
            [make(lambda a, b, k=k: a[k] - b[k], False) for k in single],
            [make(lambda a, b: a.mean(0) - b.mean(0), False)],
            [],
            [],
        ]

    return intervals


def _drawn(scores, targets, weights):
    """Weighted AUROC (K, B): running sums of the negatives' weights in the order of the scores."""
    out = []
    for score, positive in zip(scores.T, targets.T > 0.5, strict=True):
        order = np.flatnonzero(~positive)[np.argsort(score[~positive])]
        below = np.append(np.zeros((1, weights.shape[1])), np.cumsum(weights[order], axis=0), axis=0)
        wins = (weights[positive] * below[np.searchsorted(score[order], score[positive])]).sum(axis=0)
        out.append(wins / (weights[positive].sum(axis=0) * below[-1]))
    return np.array(out)


def percentile(value, left, boot, rate):
    """Efron and Tibshirani 1993, chapter 13."""
    return np.quantile(boot, (0.025, 0.975))


def bca(value, left, boot, rate):
    """Bias-corrected and accelerated, the same book, chapter 14; acceleration from leaving out patients."""
    below = np.clip(np.mean(boot < value) + np.mean(boot == value) / 2, 1 / len(boot), 1 - 1 / len(boot))
    change, bias = left.mean() - left, norm.ppf(below)
    speed = np.sum(change**3) / (6 * np.sum(change**2) ** 1.5)
    z = bias + norm.ppf((0.025, 0.975))
    return np.quantile(boot, norm.cdf(bias + z / (1 - speed * z)))


def logit_bootstrap(value, left, boot, rate):
    """Value plus and minus 1.96 standard deviations of the draws; of a rate on the logit scale."""
    return _normal(value, rate, lambda to: np.std(to(boot), ddof=1))


def delong(value, left, boot, rate):
    """DeLong's variance by patient (Obuchowski 1997) as leaving out gives it, delta method, 1.96."""
    return _normal(value, rate, lambda to: np.sqrt(np.sum((left - value) ** 2)) / (value * (1 - value) if rate else 1))


def _normal(value, rate, spread):
    def to(x):
        return logit(np.clip(x, 1e-4, 1 - 1e-4)) if rate else x

    ends = to(value) + 1.96 * spread(to) * np.array([-1, 1])
    return expit(ends) if rate else ends


METHODS = {"percentile": percentile, "BCa": bca, "logit bootstrap": logit_bootstrap, "DeLong, clustered": delong}


def rows(n_cohorts, with_others):
    """Lines of the table, one by one."""
    chosen = {"ours": ours} | ({name: others(method) for name, method in METHODS.items()} if with_others else {})
    yield "  ".join(["method".ljust(18), "seeds", "patients", "AUROCs     ", *FIGURES])
    for name, intervals in chosen.items():
        for seeds in (1, 3) if name == "ours" else (1,):
            for aurocs in [(a, a) for a in AUROCS] + [(0.88, 0.85)]:
                for n_positive in POSITIVE_PATIENTS:
                    shares = [
                        np.mean(h) if len(h) else np.nan for h in hits(n_cohorts, n_positive, aurocs, seeds, intervals)
                    ]
                    cells = [f"{share:.3f}".rjust(len(f)) for share, f in zip(shares, FIGURES, strict=True)]
                    yield "  ".join([name.ljust(18), f"{seeds:5d}", f"{n_positive:8d}", str(aurocs).ljust(11), *cells])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cohorts", type=int, nargs="?", default=400)
    parser.add_argument("--others", action="store_true", help="also the methods that were not chosen")
    asked = parser.parse_args()
    for line in rows(asked.cohorts, asked.others):
        print(line, flush=True)
