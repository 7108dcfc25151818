"""Face detection: a small convolutional network over an image pyramid.

Every cell of the output is eight pixels wide and predicts whether a face's centre is near, and the
face's place, size and roll. The network detects faces of about one size; the pyramid covers all
sizes. The regressor checks every box afterwards (see ml/pipeline/find.py), so recall matters more
than precision here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from ..assets.device import run
from ..assets.weights import filled, folded, stored_weights
from ..data import FaceBox, FloatArray

WEIGHTS = Path(__file__).parent / "assets" / "detector.safetensors"
STRIDE = 8
# Box sizes that the network detects, in pixels of a pyramid level, and the size that its size
# output is relative to.
SMALLEST, LARGEST = 18.0, 46.0
USUAL = 28.0
# Scale from one pyramid level to the next; less than SMALLEST / LARGEST would leave gaps.
STEP = 0.6
WORKING_SIDE = 448
# Each level is padded by this many pixels, so that faces at the photo's border are found.
FRAME = 16
# Logit of the prior that a cell holds a face.
RARE = -4.0
# Score logit, offset across and down, logarithm of size, sine and cosine of roll.
OUTPUTS = 6

# Called with the boxes so far and the largest size still to come; True ends the search.
StopTest = Callable[[list[FaceBox], float], bool]


class DetectorNetwork(nn.Module):
    """(B, 3, H, W) sRGB in 0..1 -> (B, OUTPUTS, H / 8, W / 8); H and W are multiples of 8."""

    def __init__(self, widths: tuple[int, int, int] = (16, 32, 48)) -> None:
        super().__init__()
        first, second, last = widths
        self.body = nn.Sequential(
            *_layer(3, first, 5, 2, 1),
            *_layer(first, second, 3, 2, 1),
            *_layer(second, last, 3, 2, 1),
            *_layer(last, last, 3, 1, 1),
            *_layer(last, last, 3, 1, 2),
            *_layer(last, last, 3, 1, 2),
        )
        self.read = nn.Conv2d(last, OUTPUTS, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class; the outputs are listed at OUTPUTS."""
        found: Tensor = self.read(self.body((pictures - 0.45) / 0.25))
        # Faces are rare, so an untrained network predicts few (Lin et al., "Focal Loss", 2017).
        rare = found.new_zeros(OUTPUTS, 1, 1)
        rare[0] = RARE
        return found + rare


def _layer(inputs: int, outputs: int, size: int, stride: int, spacing: int) -> list[nn.Module]:
    reach = spacing * (size // 2)
    return [
        nn.Conv2d(inputs, outputs, size, stride, reach, spacing, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]


class Detector:
    """The detection network; made once per process by :func:`load_detector`."""

    def __init__(self, network: DetectorNetwork) -> None:
        self._network = folded(network)

    @torch.inference_mode()
    def boxes(
        self, rgb: np.ndarray, least: float, side: int = WORKING_SIDE, stop: StopTest | None = None
    ) -> list[FaceBox]:
        """Boxes in an (H, W, 3) uint8 photo, in its pixels; score at least ``least``, best first.

        side: the photo's longer side is reduced to this many pixels; faces of 12 pixels and more
            are found there.
        stop: asked before each level, smallest first. The last level takes most of the time.
        """
        found: list[FaceBox] = []
        for scale in reversed(_scales(rgb, side)):
            if stop and stop(found, LARGEST / scale):
                break
            found += self._level(rgb, scale, least)
        return distinct_boxes(found)

    def _level(self, rgb: np.ndarray, scale: float, least: float) -> list[FaceBox]:
        height, width = (max(8, round(side * scale)) for side in rgb.shape[:2])
        small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
        framed = cv2.copyMakeBorder(
            small,
            FRAME,
            FRAME + -height % STRIDE,
            FRAME,
            FRAME + -width % STRIDE,
            cv2.BORDER_REPLICATE,
        )
        picture = torch.from_numpy(framed).permute(2, 0, 1)[None].float() / 255
        output = run(self._network, picture.contiguous(memory_format=torch.channels_last))[
            0
        ].numpy()
        boxes = decoded(output, least)
        across, down = rgb.shape[1] / width, rgb.shape[0] / height
        return [
            FaceBox(
                ((x - FRAME) * across, (y - FRAME) * down), size * (across + down) / 2, roll, score
            )
            for x, y, size, roll, score in boxes.tolist()
        ]


def _scales(rgb: np.ndarray, side: int) -> list[float]:
    """The scales of the pyramid's levels, largest first."""
    scales = [min(1.0, side / max(rgb.shape[:2]))]
    while scales[-1] * min(rgb.shape[:2]) >= SMALLEST:
        scales.append(scales[-1] * STEP)
    return scales[:-1]


def decoded(output: FloatArray, least: float) -> FloatArray:
    """(OUTPUTS, h, w) -> (N, 5): x, y, size in pixels of the level, roll in radians, score 0..1.

    Only local maxima of the score of at least ``least`` become boxes.
    """
    score = 1 / (1 + np.exp(-output[0]))
    around = cv2.dilate(score, np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero((score >= least) & (score == around))
    across, down, size, sine, cosine = output[1:, rows, columns]
    return np.column_stack(
        [
            (columns + 0.5 + 2 * across) * STRIDE,
            (rows + 0.5 + 2 * down) * STRIDE,
            USUAL * np.exp(np.clip(size, -1.5, 1.5)),
            np.arctan2(sine, cosine),
            score[rows, columns],
        ]
    ).astype(np.float32)


def distinct_boxes(boxes: list[FaceBox]) -> list[FaceBox]:
    """Non-maximum suppression: the best box per face, best first."""
    kept: list[FaceBox] = []
    for box in sorted(boxes, key=lambda item: -item.score):
        if all(not _same(box, other) for other in kept):
            kept.append(box)
    return kept


def _same(one: FaceBox, other: FaceBox) -> bool:
    apart = np.hypot(one.center[0] - other.center[0], one.center[1] - other.center[1])
    larger, smaller = max(one.size, other.size), min(one.size, other.size)
    return bool(apart < 0.35 * larger and larger < 2.2 * smaller)


@lru_cache(maxsize=1)
def load_detector(path: Path = WEIGHTS) -> Detector:
    """The detector with the weights at ``path``, checked against their card.

    Raises
    ------
    WeightsMissing: absent, altered, or of another architecture.
    """
    with stored_weights(path) as (details, state):
        widths = tuple(details["widths"])
        return Detector(filled(lambda: DetectorNetwork(widths), state))
