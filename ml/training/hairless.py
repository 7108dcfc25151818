"""Take painted hair out of the statistics of skin.

Training people have cropped hair and beards painted on their skin, with edges of their own. In
statistics of *skin* that is a cap on every scalp and a line along every cheek. Where the hair is
painted, the statistics are replaced by the smoothest continuation of those beside it; round the
back edge of the beard only, so that a beard remains and fades.

    python -m ml.training.hairless
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace

import numpy as np
from scipy.sparse import coo_matrix, diags
from scipy.sparse.linalg import splu

from ..appearance.skin import SKIN_MODEL, SkinModel, load_skin_model, save_skin_model
from ..appearance.skin_estimate import skin_mesh
from ..assets.card import read_card, write_card
from ..data import FloatArray, IntArray
from ..head.model import HeadModel
from ..head.storage import load_head_model

COMMAND = "python -m ml.training.hairless"
# Standard deviation of log albedo over the people above which hair was painted there, and rounds
# by which the region is enlarged over the mesh: its edge is mixed.
PAINTED, ENLARGED = 0.6, 2
# Metres on the mean head: hair of the scalp is painted above or behind these; and the band that
# beards fade over, which lies behind the mouth's corners and below the cheekbones.
ABOVE, BEHIND = 0.06, 0.03
BEARD_BACK, BEARD_TOP, JAW = 0.03, 0.03, -0.02
# Share of the ear's mask from which a vertex is the ear's, where no hair is painted.
EAR = 0.5
# Rounds of growth of the beard's back edge, to both sides.
FADE = 5
# Specks beside the jaw and behind it, where the skins' charts end: mean log albedo this far from
# what is usual round it, away from the face's features.
MISPLACED, ROUND = 0.08, 40


def hairless(skin: SkinModel, model: HeadModel) -> SkinModel:
    """``skin`` without the cap and the edges of painted hair."""
    mesh = skin_mesh(model)
    places = model.shape.mean[mesh.vertices]
    spread = np.sqrt(np.square(skin.modes).sum(0)).mean(1)
    ears = model.masks["ears"][mesh.vertices] > EAR
    free = _free(spread, skin.mean, places, mesh.edges) & ~ears
    count = len(skin.modes)
    stacked = np.concatenate([skin.mean[None], skin.modes, skin.noise[None, :, None].repeat(3, 2)])
    smooth = continued(stacked.transpose(1, 0, 2).reshape(len(places), -1), free, mesh.edges)
    smooth = smooth.reshape(len(places), count + 2, 3).transpose(1, 0, 2)
    return replace(skin, mean=smooth[0], modes=smooth[1:-1], noise=smooth[-1, :, 0])


def continued(values: FloatArray, free: np.ndarray, edges: IntArray) -> FloatArray:
    """(V, C) values whose (V,) ``free`` ones are the smoothest continuation of the others.

    edges: (E, 2) between the V vertices. The mean of the neighbours, without a source: harmonic.
    """
    count = len(values)
    ends = np.concatenate([edges, edges[:, ::-1]])
    ones = np.ones(len(ends))
    graph = coo_matrix((ones, (ends[:, 0], ends[:, 1])), (count, count)).tocsr()
    laplace = diags(np.asarray(graph.sum(1)).ravel()) - graph
    solved = splu(laplace[free][:, free].tocsc()).solve(-(laplace[free][:, ~free] @ values[~free]))
    found = values.astype(np.float32).copy()
    found[free] = solved
    return found


def _free(spread: FloatArray, mean: FloatArray, places: FloatArray, edges: IntArray) -> np.ndarray:
    """(V,) bool: where the statistics are of painted hair, or of a wrong place of the skins."""
    x, y, z = np.abs(places[:, 0]), places[:, 1], places[:, 2]
    painted = spread > PAINTED
    scalp = ((y > ABOVE) & (painted | (y > 0.1))) | ((z < BEHIND) & (y > -0.06) & painted)
    scalp |= (z < -0.02) & (y > -0.05)
    beard = painted & (y < BEARD_TOP) & (z > BEHIND)
    back = _grown(beard, edges, FADE) & _grown(~beard, edges, FADE)
    back &= (x > BEARD_BACK) | (y < -0.085)
    # The sides of the jaw are in shade on most portraits.
    back |= painted & (x > BEARD_BACK) & (y < JAW) & (z > BEHIND)
    specks = _specks(mean, places) & (y < 0.03) & (x > 0.04)
    return _grown(scalp, edges, ENLARGED) | back | _grown(specks, edges, 1)


def _specks(mean: FloatArray, places: FloatArray) -> np.ndarray:
    from scipy.spatial import cKDTree

    near = cKDTree(places).query(places, ROUND)[1]
    return np.asarray(np.abs(mean - np.median(mean[near], axis=1)).max(1) > MISPLACED)


def _grown(region: np.ndarray, edges: IntArray, rounds: int) -> np.ndarray:
    """(V,) bool: the region and the vertices within ``rounds`` edges of it."""
    for _ in range(rounds):
        wider = region.copy()
        wider[edges[region[edges].any(1)].ravel()] = True
        region = wider
    return region


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0]).parse_args()
    card = read_card(SKIN_MODEL)
    if COMMAND in card.command:
        raise SystemExit("The statistics are without painted hair already")
    save_skin_model(hairless(load_skin_model(), load_head_model()), SKIN_MODEL)
    facts = asdict(card)
    for name in ("file", "sha256", "size"):
        del facts[name]
    write_card(SKIN_MODEL, **facts | {"command": f"{card.command} && {COMMAND}"})


if __name__ == "__main__":
    main()
