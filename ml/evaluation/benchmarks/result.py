"""The result of a benchmark on scans: its scores, and what became of every photo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tqdm import tqdm

from ...errors import HeadError

ScanRow = dict[str, Any]
NAMED = 5  # files that a message names


@dataclass(frozen=True)
class Score:
    """One figure of a protocol and the mean face's.

    ``baseline`` is None where the mean face has no such figure; ``deviation`` says whether
    the figure is a distance that a perfect head brings to zero.
    """

    name: str
    unit: str
    value: float
    baseline: float | None
    deviation: bool = True

    @property
    def recovered(self) -> float | None:
        """Share of the mean face's deviation that is gone."""
        if self.baseline is None or not self.deviation or not self.baseline > 0:
            return None
        return 1 - self.value / self.baseline


@dataclass(frozen=True)
class Tally:
    """What became of every photo.

    Attributes
    ----------
    rows: the figures of those that were scored.
    missing: names of those without a prediction, or not reached before the user stopped.
    problems: name and message of those whose prediction cannot be scored.
    """

    rows: list[ScanRow] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ScanResult:
    """All scores of one protocol."""

    protocol: str
    scores: list[Score]
    tally: Tally

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        scores = [asdict(score) | {"recovered": score.recovered} for score in self.scores]
        return {
            "protocol": self.protocol,
            "scores": scores,
            "photos": self.tally.rows,
            "missing": self.tally.missing,
            "problems": self.tally.problems,
        }

    def report(self) -> str:
        """The scores as text, the mean face's beside them."""
        missing = [*self.tally.missing, *self.tally.problems]
        lines = [f"{self.protocol}: {len(self.tally.rows)} scored, {len(missing)} without a score"]
        lines.append(f"  {'':22}{'head':>10}{'mean face':>12}{'recovered':>12}")
        for score in self.scores:
            base = "-" if score.baseline is None else f"{score.baseline:.3f}"
            share = "-" if score.recovered is None else f"{100 * score.recovered:.0f} %"
            name = f"{score.name}, {score.unit}"
            lines.append(f"  {name:22}{score.value:10.3f}{base:>12}{share:>12}")
        if missing:
            lines.append(f"no score, so not comparable with others': {some(missing)}")
        lines += [f"  {name}: {message}" for name, message in self.tally.problems.items()]
        return "\n".join(lines)


def score_all(names: Sequence[str], score: Callable[[str], ScanRow | None], title: str) -> Tally:
    """``score`` every name, with a bar; None means that there is no prediction.

    A prediction that cannot be scored costs only itself, and Ctrl-C keeps what is finished.

    Raises
    ------
    HeadError: nothing was scored, and this is why.
    """
    tally, reason = Tally(), None
    try:
        for name in tqdm(names, desc=title, leave=False, disable=None):
            try:
                row = score(name)
            except HeadError as error:
                tally.problems[name], reason = str(error), reason or error
                continue
            if row is None:
                tally.missing.append(name)
            else:
                tally.rows.append(row)
    except KeyboardInterrupt:
        done = {*tally.missing, *tally.problems, *(row["name"] for row in tally.rows)}
        tally.missing.extend(name for name in names if name not in done)
        if not tally.rows:
            raise
    if reason is not None and not tally.rows:
        raise reason
    return tally


def some(names: Sequence[object]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(str(name) for name in names[:NAMED]) + more
