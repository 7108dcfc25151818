"""A z-buffer of tensor operations: the built-in rasteriser on a GPU.

Every triangle is tested at every pixel of its bounding box. The nearest is kept by an atomic
minimum over 64-bit integers whose upper half is the depth and whose lower half is the triangle.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..data import FloatArray, IntArray

# Pixels of bounding boxes that are tested at once; each takes about 100 bytes.
CHUNK = 4_000_000
_NOTHING = torch.iinfo(torch.int64).max


@torch.no_grad()
def visible_faces(
    points: Tensor, triangles: Tensor, first_face: tuple[int, ...], height: int, width: int
) -> Tensor:
    """(B, H, W) int64 index of the nearest triangle at each pixel's centre, -1 for none.

    Parameters are those of :class:`ml.rendering.meshes.Meshes`, on any device. On the CPU,
    :mod:`ml.rendering.zbuffer` is much faster.
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
    """(F, 2) first pixel x, y and (F, 2) size of each triangle's bounding box; size 0 for none."""
    last = torch.tensor([width - 1, height - 1], device=corners.device)
    # Clamped before the conversion to integers: points near the camera's plane project very far.
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
    """Test (F,) faces at all pixels of their bounding boxes and update ``nearest`` in place."""
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
    """(P, 3) edge functions of triangles (P, 3, 3) at (P, 2) pixel centres.

    The k-th is twice the signed area between the pixel and the edge opposite the k-th corner, in
    square pixels; their sum is twice the triangle's signed area.
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
