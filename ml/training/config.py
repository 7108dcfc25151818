"""Settings of a training, read from a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from ..errors import UsageError

CLOCKS = ("wall", "processor")


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """The settings that all trainings share; each network's configuration adds its own.

    Attributes
    ----------
    seed: of the initial weights and of the batches. batch: samples per step.
    peak_rate: the highest learning rate. warm_up: share of the run in which the rate rises.
    weight_decay: of matrices and kernels, and of biases and norms if ``decay_vectors``.
    beta2: AdamW's decay of the second moment.
    longest_gradient: gradients with a larger norm are scaled down to this norm; 0 disables it.
    average_decay: of the exponential moving average of the weights, which is what ships.
    budget_minutes, steps: the length of the run, in minutes or in steps; the other is 0. The
        learning rate follows whichever is set.
    clock: what minutes are measured with, one of CLOCKS: wall time or processor time.
    checkpoint_minutes, measure_minutes: time between checkpoints, and between lines of the log.
    """

    seed: int
    batch: int
    peak_rate: float
    warm_up: float
    weight_decay: float
    average_decay: float
    checkpoint_minutes: float
    measure_minutes: float
    budget_minutes: float = 0.0
    steps: int = 0
    clock: str = "wall"
    decay_vectors: bool = False
    beta2: float = 0.999
    longest_gradient: float = 5.0

    def __post_init__(self) -> None:
        if (self.budget_minutes > 0) == (self.steps > 0):
            raise UsageError(
                "A training needs either budget_minutes or steps", "Set one of both above 0"
            )
        if self.clock not in CLOCKS:
            raise UsageError(f"The clock {self.clock!r} is unknown", f"Choose from {CLOCKS}")

    def progress(self, step: int, seconds: float) -> float:
        """The share of the run that lies behind, from 0; 1 and more is the end."""
        return step / self.steps if self.steps else seconds / (60 * self.budget_minutes)


Config = TypeVar("Config", bound=TrainingConfig)
Kind = TypeVar("Kind")


def read_config(path: Path, kind: type[Config], minutes: float | None = None) -> Config:
    """The settings in the file ``path``; ``minutes`` replaces the length of the run.

    Raises
    ------
    UsageError: a setting is unknown, missing, or contradicts another.
    """
    config = config_from(kind, tomllib.loads(path.read_text(encoding="utf-8")), str(path))
    return replace(config, budget_minutes=minutes, steps=0) if minutes else config


def config_from(kind: type[Kind], values: Mapping[str, Any], where: str) -> Kind:
    """A dataclass from a table of values, and the dataclasses inside it from the tables inside.

    where: what to call the table in an error.

    Raises
    ------
    UsageError: see :func:`read_config`.
    """
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    required = {
        name
        for name, field in known.items()
        if field.default is MISSING and field.default_factory is MISSING
    }
    for names, what in ((values.keys() - known, "unknown"), (required - values.keys(), "missing")):
        if names:
            raise UsageError(
                f"{where}: {what} setting {', '.join(sorted(names))}",
                f"Its settings are {', '.join(known)}",
            )
    hints = get_type_hints(kind)
    return kind(
        **{name: _converted(hints[name], value, where, name) for name, value in values.items()}
    )


def _converted(kind: Any, value: Any, where: str, name: str) -> Any:
    if is_dataclass(kind):
        return config_from(kind, value, f"{where} [{name}]")  # type: ignore[arg-type]
    return tuple(value) if isinstance(value, list) else value
