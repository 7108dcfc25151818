"""A z-buffer made of whole-tensor operations: the built-in rasteriser of a GPU.

Every triangle is tried at every pixel of its bounding box; the nearest is kept by an atomic
minimum over numbers whose upper half is the depth and whose lower half is the triangle.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..data import FloatArray, IntArray

# Pixels of bounding boxes tried at once; about 100 bytes each.
CHUNK = 4_000_000
_NOTHING = torch.iinfo(torch.int64).max


@torch.no_grad()
def visible_faces(
    points: Tensor, triangles: Tensor, first_face: tuple[int, ...], height: int, width: int
) -> Tensor:
    """(B, H, W) int64 index of the nearest triangle at each pixel's centre, -1 for none.

    Parameters are those of :class:`ml.rendering.meshes.Meshes`. On any device; the CPU has a much
    faster way in :mod:`ml.rendering.zbuffer`.
    """
    pictures = len(first_face) - 1
    nearest = torch.full(
        (pictures * height * width,), _NOTHING, dtype=torch.int64, device=points.device
    )
    corners = points.detach().float()[triangles]
    starts = torch.tensor(first_face[1:], device=points.device)
    picture = torch.bucketize(
        torch.arange(len(triangles), device=points.device), starts, right=True
    )
    low, extent = _boxes(corners, height, width)
    count = extent.prod(1)
    drawn = torch.nonzero(count)[:, 0]
    ends = count[drawn].cumsum(0)
    begun = 0
    while begun < len(drawn):
        before = int(ends[begun - 1]) if begun else 0
        limit = int(torch.searchsorted(ends, before + CHUNK, right=True))
        some = drawn[begun : max(limit, begun + 1)]
        _try(nearest, some, corners[some], low[some], extent[some], picture[some], (height, width))
        begun += len(some)
    face = torch.where(nearest == _NOTHING, -1, nearest & 0xFFFFFFFF)
    return face.view(pictures, height, width)


def _boxes(corners: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """First pixel (F, 2) x, y and size (F, 2) of what each triangle may cover; 0 for none."""
    last = torch.tensor([width - 1, height - 1], device=corners.device)
    # Clamped before they become integers: a point near the camera's plane can lie very far out.
    bounds = corners[..., :2].clamp(-1e6, 1e6)
    low = torch.ceil(bounds.amin(1) - 0.5).long().clamp(min=0)
    high = torch.minimum(torch.floor(bounds.amax(1) - 0.5).long(), last)
    ahead = (corners[..., 2] > 0).all(1, keepdim=True)
    return low, torch.where(ahead, (high - low + 1).clamp(min=0), 0)


def _try(
    nearest: Tensor,
    faces: Tensor,
    corners: Tensor,
    low: Tensor,
    extent: Tensor,
    picture: Tensor,
    size: tuple[int, int],
) -> None:
    """Offer (F,) faces to all pixels of their boxes."""
    height, width = size
    count = extent.prod(1)
    row = torch.repeat_interleave(torch.arange(len(faces), device=faces.device), count)
    within = torch.arange(len(row), device=faces.device) - (count.cumsum(0) - count)[row]
    x = low[row, 0] + within % extent[row, 0]
    y = low[row, 1] + torch.div(within, extent[row, 0], rounding_mode="floor")
    edge = edge_functions(corners[row], torch.stack([x, y], 1) + 0.5)
    area = edge.sum(1)
    sign = torch.sign(area)[:, None]
    inside = (edge * sign >= 0).all(1) & (area.abs() >= 1e-12)
    depth = area / (edge / corners[row][..., 2]).sum(1)
    inside &= depth > 0
    # Bits of positive floats sort like the floats.
    bits = depth[inside].contiguous().view(torch.int32).long()
    key = (bits << 32) | faces[row[inside]]
    place = (picture[row] * height + y) * width + x
    nearest.scatter_reduce_(0, place[inside], key, "amin")


def edge_functions(corners: Tensor, pixels: Tensor) -> Tensor:
    """(P, 3) twice the signed areas that (P, 2) pixel centres cut from triangles (P, 3, 3).

    The k-th belongs to the k-th corner; their sum is twice the triangle's signed area, in pixels.
    """
    x = corners[..., 0] - pixels[:, :1]
    y = corners[..., 1] - pixels[:, 1:]
    return torch.stack(
        [
            x[:, 1] * y[:, 2] - x[:, 2] * y[:, 1],
            x[:, 2] * y[:, 0] - x[:, 0] * y[:, 2],
            x[:, 0] * y[:, 1] - x[:, 1] * y[:, 0],
        ],
        1,
    )


def fill(
    points: FloatArray,
    triangles: IntArray,
    face: IntArray,
    weights: FloatArray,
    depth: FloatArray,
) -> None:
    """Rasterise triangles of (V, 3) pixel x, y and depth into the three buffers, in place."""
    height, width = face.shape
    ours, faces = torch.from_numpy(points), torch.from_numpy(triangles).long()
    found = visible_faces(ours, faces, (0, len(faces)), height, width)[0]
    y, x = torch.nonzero(found >= 0, as_tuple=True)
    corners = ours[faces[found[y, x]]]
    edge = edge_functions(corners, torch.stack([x, y], 1) + 0.5)
    share = edge / corners[..., 2]
    face[:] = found.numpy()
    weights[y, x] = (share / share.sum(1, keepdim=True)).numpy()
    depth[y, x] = (edge.sum(1) / share.sum(1)).numpy()
