"""The page docs/parsing.md, from what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...assets.card import read_card
from ...parsing.classes import CLASSES
from ...parsing.parse import ROOM, SIZE, WEIGHTS
from ..report.text import table
from .overlays import COLOURS

TEXT = """# Face parsing

What each pixel round a face shows: {count} classes with their probabilities, by a network of
{size:.1f} MB (`ml/parsing`). Written by `python -m ml.evaluation parsing --data DATA --out docs`.

![Rendered people nobody trained on: picture, found, true](parsing.jpg)

*Rendered people in skins that training never saw; backgrounds left out. Picture, found, true.*

## Use

```python
from ml.parsing.parse import crop_head, load_parser

parse = load_parser().parse(crop_head(photo, box))  # box: see ml.photo.crop.box_from_landmarks
bare = parse.at(points, "skin", "nose")  # (N, 2) pixels of the photo -> (N,) 0..1
```

The crop is the face's box, {room} times as wide, {side} pixels. `Parse.to_photo` maps its pixels to
the photo's. `glasses` are frames, and lenses that hide what is behind them; through clear lenses
the eyes are `eyes`. `beard` is stubble, too. `other` is a hand, a microphone, an earring.

## Figures

On {people} rendered people with other skins than training's, who wear more than most:
intersection over union by class, over all pixels. {right:.1%} of all pixels are right.

{rows}

Renders are no photos: how the network does on photos can only be seen in overlays
(`--overlays FOLDER` draws them for the development photos), for which there is no truth.

On development photos skin, features, hair, ears and clothes are found well, also of dark skin and
in grey; dark and thick-rimmed glasses, hats and full beards in most; arms and hands in part. Known
faults: thin rims are often taken for skin, grey and short moustaches too; hands in dark pictures
for skin or clothes; a brightly lit cheek in profile, fair strands of hair and bright spots of a
background for something held (`other`).

One crop takes {ratio:.2f} of the time of the regressor's crop in the same run, on two cores.

## How it was learned

See [training.md](training.md). Exact masks come from the data engine: every triangle of a rendered
head, its hair, beard, glasses, hat and clothes has a class, stubble and brows are painted where
their amounts say, and hands, cards, cups and strands are drawn anew over every picture. Real
portraits teach what hair, beards and clothes look like: their features come from landmarks, skin
and neck from the fitted head, the outline from MediaPipe's selfie segmentation, hair and clothes
from each photo's own colours. What these do not settle is unknown at first; a first network's
answers fill it in where they stay the same for mirrored and otherwise changed pictures.
"""


def write_page(measured: Mapping[str, Any], out: Path) -> Path:
    """The page in the folder ``out``; its path."""
    overlap = measured["overlap"]
    rows = [(name, _swatch(name), overlap.get(name)) for name in CLASSES]
    rows.append(("mean", "", float(np.mean(list(overlap.values())))))
    text = TEXT.format(
        count=len(CLASSES),
        size=read_card(WEIGHTS).size / 1e6,
        room=ROOM,
        side=SIZE,
        people=measured["people"],
        right=measured["right"],
        rows=table(("class", "colour above", "overlap"), rows),
        ratio=measured["parser"] / measured["regressor"],
    )
    path = out / "parsing.md"
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _swatch(name: str) -> str:
    return "#{:02x}{:02x}{:02x}".format(*COLOURS[name])
