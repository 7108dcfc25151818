"""The expression network: from the face mesh's features to expressions."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .face_mesh_network import BODIES, FEATURES, REGIONS


@dataclass(frozen=True)
class ExpressionShape:
    """Sizes of the network.

    Attributes
    ----------
    expression: number of expressions. region: what is left of each region's features. hidden:
    width of the layer after them; the next is half as wide. dropout: share that training drops.
    """

    expression: int
    region: int
    hidden: int
    dropout: float = 0.0

    def to_dict(self) -> dict[str, float]:
        """As a card holds them."""
        return asdict(self)


class ExpressionNetwork(nn.Module):
    """(B, FEATURES) of the face mesh -> two numbers for each expression.

    What a face does is rare for each expression by itself, and plain where it does it. So it is
    said apart how likely an expression acts (a logit), and how much it then does.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, shape: ExpressionShape) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("mean", torch.zeros(FEATURES))
        self.register_buffer("spread", torch.ones(FEATURES))
        self.regions = nn.ModuleList(
            nn.Linear(BODIES // len(REGIONS), shape.region) for _ in REGIONS
        )
        whole = FEATURES - BODIES + len(REGIONS) * shape.region
        self.first = nn.Linear(whole, shape.hidden)
        self.second = nn.Linear(shape.hidden, shape.hidden // 2)
        self.read = nn.Linear(shape.hidden // 2, 2 * shape.expression)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(B, E) logits that each expression acts, and (B, E) how much it then does."""
        known = (features - self.mean) / self.spread
        last, *bodies = known.split(
            [FEATURES - BODIES, *[BODIES // len(REGIONS)] * len(REGIONS)], 1
        )
        parts = [
            functional.relu(layer(self._dropped(body)))
            for layer, body in zip(self.regions, bodies, strict=True)
        ]
        x = torch.cat([last, *parts], 1)
        for layer in (self.first, self.second):
            x = functional.relu(layer(self._dropped(x)))
        logits, amounts = self.read(x).split(self.shape.expression, 1)
        return logits, amounts

    def _dropped(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.shape.dropout, self.training)
