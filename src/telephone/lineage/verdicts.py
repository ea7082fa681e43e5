"""From one value an item to a verdict: an estimate with its interval, compared with what the paper's claim needs.

The claim holds if the whole interval of 95 % lies on its side of the threshold, and does not hold if the whole interval
lies on the other side; else the items do not decide it. So a claim whose true value lies exactly at the threshold gets
a verdict in at most about 5 of 100 repetitions, in whichever direction (`benchmarks/lineage_verdict_errors.py`). Each
verdict has this error rate of its own: the verdicts of a page are not adjusted for each other, and the page says so.
Sign flips assume differences that are as likely above their mean as below: for strongly skewed ones (exponential) the
rate rises to 9 of 100 at eight items.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

from telephone.analysis.inference.share_interval import mean_share_bounds
from telephone.analysis.inference.sign_flips import ERROR_RATE, compare_pairs
from telephone.lineage.result import Estimate, Verdict

FEWEST = 8
"""Below this number of items there is no interval and no verdict."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Decision:
    """A verdict, the sentence that gives its reason, and the estimate that decides it."""

    verdict: Verdict
    reason: str
    estimate: Estimate


@dataclass(frozen=True)
class Threshold:
    """What has to be true of an estimate for a claim to hold."""

    value: float
    at_least: bool = True
    """Whether the value has to be above the threshold; else below it."""

    def verdict(self, low: float, high: float) -> Verdict:
        """Returns the verdict for an interval."""
        above, below = low > self.value, high < self.value
        if not (above or below):
            return Verdict.UNDECIDED
        return Verdict.HOLDS if above == self.at_least else Verdict.FAILS


def share_estimate(name: str, values: ArrayLike, sizes: Sequence[float] | None = None, note: str = "") -> Estimate:
    """Returns the mean of shares with an interval that does not shrink to a point at 0 or 1.

    It is the exact one of Clopper and Pearson (1934) where every value is 0 or 1, and else Wilson's for the effective
    number of facts (`telephone.analysis.inference.share_interval`).

    Args:
        name: what is measured, such as `facts kept`.
        values: one an item in [0, 1]: a share of facts, or 0 and 1; NaN could not be measured and is left out.
        sizes: the number of facts behind each share; None counts each item as one case.
        note: a reservation.

    Raises:
        ValueError: a value is outside [0, 1].
    """
    numbers = np.asarray(values, dtype=np.float64).reshape(-1)
    known = ~np.isnan(numbers)
    own = numbers[known]
    if own.size and not (own.min() >= 0 and own.max() <= 1):
        raise ValueError(f"The shares reach from {own.min():g} to {own.max():g}: give values in [0, 1].")
    if not own.size:
        return Estimate(name, None, unit="share", note=note or "nothing could be measured")
    low = high = None
    if own.size >= FEWEST:
        cases = np.ones(own.size) if sizes is None else np.asarray(sizes, dtype=np.float64)[known]
        low, high = _share_interval(own, cases)
    return Estimate(name, float(own.mean()), low, high, int(own.size), "share", _with_missing(note, known))


def mean_estimate(name: str, values: ArrayLike, unit: str = "", note: str = "") -> Estimate:
    """Returns the mean of numbers with the interval of a sign-flip test.

    Args:
        name: what is measured, such as `PSNR of the reconstruction`.
        values: one an item, of any scale; NaN could not be measured and is left out.
        unit: as in `Estimate.unit`.
        note: a reservation.

    Raises:
        ValueError: a value is infinite.
    """
    numbers = np.asarray(values, dtype=np.float64).reshape(-1)
    if np.isinf(numbers).any():
        raise ValueError("A value is infinite: cap it, or leave it out as NaN.")
    known = ~np.isnan(numbers)
    own = numbers[known]
    if not own.size:
        return Estimate(name, None, unit=unit, note=note or "nothing could be measured")
    centre = float(own.mean())
    low, high = _flip_interval(own, centre)
    return Estimate(name, centre, low, high, int(own.size), unit, _with_missing(note, known))


def judge_share(
    name: str, values: ArrayLike, claim: Threshold, items: str = "pictures", sizes: Sequence[float] | None = None
) -> Decision:
    """Returns whether a mean share reaches a threshold.

    Args:
        name: what is measured, such as `facts kept`.
        values: one an item in [0, 1]; NaN is left out.
        claim: the threshold in [0, 1] and its side.
        items: what is counted, for the reason.
        sizes: as in `share_estimate`.
    """
    return decide(share_estimate(name, values, sizes), claim, items)


def judge_mean(name: str, values: ArrayLike, claim: Threshold, items: str = "pictures", unit: str = "") -> Decision:
    """Returns whether a mean reaches a threshold, by sign flips of the differences to it.

    Args:
        name: what is measured.
        values: one an item; NaN is left out.
        claim: the threshold and its side.
        items: what is counted, for the reason.
        unit: as in `Estimate.unit`.
    """
    found = mean_estimate(name, values, unit)
    numbers = np.asarray(values, dtype=np.float64).reshape(-1)
    own = numbers[~np.isnan(numbers)]
    low, high = _flip_interval(own, claim.value)
    return decide(replace(found, low=low, high=high), claim, items)


def judge_difference(
    name: str,
    first: ArrayLike,
    second: ArrayLike,
    claim: Threshold | None = None,
    items: str = "prompts",
    unit: str = "share",
) -> Decision:
    """Returns whether one value is larger than the other on the same items, by sign flips of the differences.

    Args:
        name: what is measured, such as `facts kept, cosine-matched seeds minus random ones`.
        first: one value an item; a pair with NaN is left out.
        second: the value of the same item that is subtracted.
        claim: what the mean difference has to be; None is more than 0.
        items: what is counted, for the reason.
        unit: as in `Estimate.unit`; a difference of shares is shown in percentage points.

    Raises:
        ValueError: the two have different lengths.
    """
    one, other = (np.asarray(each, dtype=np.float64).reshape(-1) for each in (first, second))
    if one.shape != other.shape:
        raise ValueError(f"{len(one)} values are compared with {len(other)}: give one of each for every item.")
    return judge_mean(name, one - other, claim or Threshold(0.0), items, "points" if unit == "share" else unit)


def impossible(name: str, reason: str) -> Decision:
    """Returns the verdict of a claim that cannot be shown, with the reason in one sentence."""
    return Decision(Verdict.IMPOSSIBLE, reason, Estimate(name, None, note=reason))


def decide(found: Estimate, claim: Threshold, items: str = "items") -> Decision:
    """Returns the verdict that an estimate with its interval gives, with its reason.

    Args:
        found: the estimate; without an interval there is no verdict.
        claim: what the claim needs.
        items: what is counted, such as `pictures`.
    """
    bound = "at least" if claim.at_least else "at most"
    needed = f"{bound} {in_words(claim.value, found.unit)}"
    if claim.value == 0:
        needed = "more than 0" if claim.at_least else "less than 0"
    if found.value is None:
        return Decision(Verdict.UNDECIDED, f"{_capital(found.name)}: {found.note}.", found)
    said = f"{_capital(found.name)}: {in_words(found.value, found.unit)} on {found.n} {items}"
    if found.low is None or found.high is None:
        why = f"fewer than {FEWEST} are too few" if found.n < FEWEST else "too few of them differ from the threshold"
        return Decision(Verdict.UNDECIDED, f"{said}; {why} for a verdict.", found)
    interval = f"95 % interval {interval_words(found)}"
    verdict = claim.verdict(found.low, found.high)
    end = f"the claim needs {needed}"
    if verdict is Verdict.UNDECIDED:
        end += ", which the interval contains: more are needed to decide"
    return Decision(verdict, f"{said} ({interval}); {end}.", found)


def in_words(value: float, unit: str, like: float | None = None) -> str:
    """Returns a number with its unit, such as `83 %`, `+4 points`, `34.8 dB` or `0.52`.

    Args:
        value: the number.
        unit: as in `Estimate.unit`, or `points` for a difference of shares.
        like: a number with as many decimals, such as the value of an interval's bounds; None is the number itself.
    """
    if unit == "share":
        percent = 100 * value
        return f"{_rounded(percent, 0 if 1 <= percent <= 99 or value in (0, 1) else 1)}\u00a0%"
    if unit == "points":
        return f"{100 * value:+.1f} points".replace("-", "\u2212")
    size = abs(value if like is None else like)
    digits = 1 if unit == "dB" or size >= 100 else 2 if size >= 0.1 or not size else 3 if size >= 0.01 else 4
    return _rounded(value, digits) if unit == "cosine" else f"{_rounded(value, digits)} {unit}".strip()


def value_words(estimate: Estimate) -> str:
    """Returns the value with its unit, a dash if there is none."""
    return "\u2013" if estimate.value is None else in_words(estimate.value, estimate.unit)


def interval_words(estimate: Estimate) -> str:
    """Returns the interval such as `64 to 93 %`; empty if there is none."""
    if estimate.low is None or estimate.high is None:
        return ""
    low, high = (in_words(each, estimate.unit, estimate.value) for each in (estimate.low, estimate.high))
    for unit in ("\u00a0%", " points", f" {estimate.unit}"):
        if estimate.unit and low.endswith(unit) and high.endswith(unit):
            low = low.removesuffix(unit)
    return f"{low} to {high}"


def _rounded(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text.replace("-", "\u2212") if float(text) else text.replace("-", "")


def _share_interval(values: Floats, cases: Floats) -> tuple[float, float]:
    """Returns the bounds of 95 %; of few cases of 0 and 1 near the ends Wilson's miss the true share in up to 8 %."""
    if np.isin(values, (0.0, 1.0)).all():
        n, k = values.size, int(values.sum())
        tail = ERROR_RATE / 2
        low = float(betaincinv(k, n - k + 1, tail)) if k else 0.0
        return low, float(betaincinv(k + 1, n - k, 1 - tail)) if k < n else 1.0
    lows, highs = mean_share_bounds(values[:, None], cases, [""] * values.size)
    return float(lows[0]), float(highs[0])


def _flip_interval(values: Floats, threshold: float) -> tuple[float | None, float | None]:
    """Returns the interval of a mean by sign flips; it excludes the threshold if and only if the test rejects it.

    None where there are fewer than `FEWEST` values, or too few of them differ from the threshold for any rejection.
    """
    if values.size < FEWEST:
        return None, None
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    compared = compare_pairs(np.stack([values - threshold, np.zeros_like(values)], axis=1))
    low, high = float(compared.low[0]), float(compared.high[0])
    return (None, None) if np.isnan(low) or np.isnan(high) else (low + threshold, high + threshold)


def _with_missing(note: str, known: NDArray[np.bool_]) -> str:
    missing = int((~known).sum())
    said = f"{missing} of {known.size} could not be measured" if missing else ""
    return "; ".join(part for part in (note, said) if part)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
