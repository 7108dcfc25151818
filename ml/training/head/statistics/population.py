"""Random MakeHuman people: weights for its targets that make plausible, varied adults and children.

MakeHuman's macro targets multiply: a target named ``asian-female-old`` counts by the product of
how asian, how female and how old the person is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from ....data import FloatArray
from .sources import MakeHumanHead

DETAIL_GROUPS = frozenset(
    {"head", "forehead", "eyes", "eyebrows", "nose", "mouth", "cheek", "chin", "ears", "neck"}
)
# Targets that only move the whole head or neck: pose, not shape.
_RIGID = re.compile(r"(head|neck)-trans-|head-angle")
DETAIL_SIGMA = 0.22
ASYMMETRY_SIGMA = 0.06


def people_weights(head: MakeHumanHead, count: int, rng: np.random.Generator) -> FloatArray:
    """(count, 789) target weights of random people."""
    weights = np.zeros((count, len(head.target_names)), np.float32)
    for row in weights:
        _add_macros(head, row, rng)
        _add_details(head, row, rng)
    return weights


def average_weights(head: MakeHumanHead) -> FloatArray:
    """(789,) weights of the average young adult: equal origins and sexes, average build."""
    return group_weights(head, {"female": 0.5, "male": 0.5}, {"young": 1.0})


def group_weights(
    head: MakeHumanHead,
    sexes: Mapping[str, float],
    ages: Mapping[str, float],
    build: Mapping[str, float] | None = None,
) -> FloatArray:
    """(789,) weights of the average of a group, equal in origins; shares of each factor sum to 1.

    build: shares of "averagemuscle-maxweight" and the like; None: of average build.
    """
    weights = np.zeros(len(head.target_names), np.float32)
    thirds = dict.fromkeys(("african", "asian", "caucasian"), 1 / 3)
    _multiply_macros(head, weights, [thirds, sexes, ages], build or {})
    return weights


def people(head: MakeHumanHead, weights: FloatArray) -> FloatArray:
    """(n, 789) weights -> (n, W, 3) vertices in metres."""
    flat = head.targets.reshape(len(head.targets), -1).astype(np.float32)
    deltas = (weights @ flat).reshape(len(weights), -1, 3)
    return np.asarray(head.base + 0.1 * deltas, dtype=np.float32)


def age_shares(head: MakeHumanHead, weights: FloatArray) -> dict[str, float]:
    """How much of a child, a young and an old person (789,) ``weights`` hold; they sum to one."""
    shares = dict.fromkeys(("child", "young", "old"), 0.0)
    for name, group, weight in zip(head.target_names, head.target_groups, weights, strict=True):
        origin, *rest = name.split("/")[-1].split("-")
        if group == "macrodetails" and origin != "universal" and rest[1] in shares:
            shares[rest[1]] += float(weight)
    total = sum(shares.values()) or 1.0
    return {age: share / total for age, share in shares.items()}


def _add_macros(head: MakeHumanHead, row: FloatArray, rng: np.random.Generator) -> None:
    origins = dict(zip(("african", "asian", "caucasian"), rng.dirichlet([0.6] * 3), strict=True))
    female = rng.beta(0.4, 0.4)
    ages = _age_factors(rng)
    muscle = _three_way(np.clip(rng.normal(0, 0.45), -1, 1), "muscle")
    weight = _three_way(np.clip(rng.normal(0.1, 0.5), -1, 1), "weight")
    build = {f"{m}-{w}": muscle[m] * weight[w] for m in muscle for w in weight}
    _multiply_macros(head, row, [origins, {"female": female, "male": 1 - female}, ages], build)


def _age_factors(rng: np.random.Generator) -> dict[str, float]:
    if rng.random() < 0.1:
        child = rng.uniform(0.1, 0.7)
        return {"child": child, "young": 1 - child}
    old = float(rng.random() ** 1.3)
    return {"young": 1 - old, "old": old}


def _three_way(value: float, what: str) -> dict[str, float]:
    """-1..1 -> weights of the min, average and max targets (average has none of its own)."""
    return {
        f"min{what}": max(-value, 0.0),
        f"average{what}": 1 - abs(value),
        f"max{what}": max(value, 0.0),
    }


def _multiply_macros(
    head: MakeHumanHead,
    row: FloatArray,
    factors: Sequence[Mapping[str, float]],
    build: Mapping[str, float],
) -> None:
    origins, sexes, ages = factors
    for index, (name, group) in enumerate(zip(head.target_names, head.target_groups, strict=True)):
        if group != "macrodetails":
            continue
        first, sex, age, *rest = name.split("/")[-1].split("-", 3)
        share = sexes.get(sex, 0.0) * ages.get(age, 0.0)
        share *= build.get(rest[0], 0.0) if first == "universal" else origins.get(first, 0.0)
        row[index] = share


def _add_details(head: MakeHumanHead, row: FloatArray, rng: np.random.Generator) -> None:
    """Every detail target gets a one-sided random weight; left and right twins share theirs."""
    shared: dict[str, float] = {}
    for index, (name, group) in enumerate(zip(head.target_names, head.target_groups, strict=True)):
        if group in DETAIL_GROUPS and not _RIGID.search(name):
            twin = re.sub(r"/[lr]-", "/", name)
            value = shared.setdefault(twin, rng.normal(0, DETAIL_SIGMA))
            row[index] = max(0.0, value + rng.normal(0, 0.02))
        elif group == "asym":
            row[index] = max(0.0, rng.normal(0, ASYMMETRY_SIGMA))
