"""Antialiasing across silhouettes, which makes them differentiable.

A rasterised picture jumps where an outline crosses a pixel's centre, so outlines have no gradient.
As in Laine et al., "Modular Primitives for High-Performance Differentiable Rendering" (2020), two
neighbouring pixels on both sides of an outline are blended by the place between their centres where
the outline passes. The paper searches the triangle at each pixel for outline edges. This module
intersects the outline's edges with the pixels' rows and columns instead, because where triangles
are as small as pixels the edge mostly belongs to a triangle that covers no pixel's centre.

Steep edges blend pixels of a row, flat ones pixels of a column, never both, so that a moving edge
changes the sum of the pixels by exactly the area it sweeps.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .fragments import MeshFragments, take

# An outline hides what lies behind it by at least this share of its depth.
BEHIND = 1e-4


@dataclass(frozen=True)
class Crossings:
    """K places where outlines pass between the centres of neighbouring pixels.

    Attributes
    ----------
    inner, outer: (K,) int64 pixels on the near surface and beside it.
    reach: (K,) 0..1 distance of the outline from the inner pixel's centre, in pixels; carries
        gradients to the meshes' points.
    """

    inner: Tensor
    outer: Tensor
    reach: Tensor


@dataclass(frozen=True)
class _Candidates:
    """(K,) crossings of outline edges with lines of pixel centres, before any is dropped.

    edge, line: indices of both. depth: of the edge there. inner, outer, pair: pixel indices.
    """

    edge: Tensor
    line: Tensor
    depth: Tensor
    inner: Tensor
    outer: Tensor
    pair: Tensor

    def keep(self, chosen: Tensor) -> _Candidates:
        return _Candidates(
            self.edge[chosen],
            self.line[chosen],
            self.depth[chosen],
            self.inner[chosen],
            self.outer[chosen],
            self.pair[chosen],
        )


def antialias(picture: Tensor, fragments: MeshFragments) -> Tensor:
    """(B, H, W, C) picture of ``fragments`` -> the same picture with blended outlines.

    Gradients flow to the picture and, at outlines, to the meshes' points.
    """
    flat = picture.reshape(-1, picture.shape[-1])
    found = [_crossings(fragments, along) for along in (1, 0)]
    inner, outer, reach = (
        torch.cat([getattr(part, name) for part in found]) for name in ("inner", "outer", "reach")
    )
    # The pixel that the outline crosses is blended by the other side's share of it.
    covered = reach.detach() >= 0.5
    target = torch.where(covered, outer, inner)
    source = torch.where(covered, inner, outer)
    weight = (reach - 0.5).abs()
    # Around something thinner than a pixel, several outlines share one.
    total = weight.new_zeros(len(flat)).index_add(0, target, weight)
    weight = weight / total[target].clamp(min=1)
    change = (take(flat, source) - take(flat, target)) * weight[:, None].to(flat.dtype)
    rows = target[:, None].expand(-1, flat.shape[1])
    return flat.scatter_add(0, rows, change).view(picture.shape)


def _crossings(fragments: MeshFragments, along: int) -> Crossings:
    """Crossings with the rows of pixel centres (``along`` = 1) or with the columns (0)."""
    with torch.no_grad():
        edges, side = _outline(fragments)
        chosen = _candidates(fragments, edges, side, along)
        chosen = chosen.keep(_visible(fragments, chosen))
    ends = take(fragments.meshes.points, fragments.meshes.topology.edges[chosen.edge])
    line = chosen.line.to(ends.dtype) + 0.5
    start, finish = ends[:, 0], ends[:, 1]
    share = (line - start[:, along]) / (finish[:, along] - start[:, along])
    across = start[:, 1 - along] + share * (finish[:, 1 - along] - start[:, 1 - along])
    _, height, width = fragments.size
    place = chosen.inner % width if along else (chosen.inner // width) % height
    reach = (across - (place.to(across.dtype) + 0.5)).abs()
    return Crossings(chosen.inner, chosen.outer, reach)


def _outline(fragments: MeshFragments) -> tuple[Tensor, Tensor]:
    """(N,) edges with all their triangles on one side, and (N,) that side: the area's sign."""
    points, topology = fragments.meshes.points.detach(), fragments.meshes.topology
    if not len(topology.edges):
        nothing = topology.edges.new_empty(0)
        return nothing, nothing.to(points.dtype)
    ahead = (points[:, 2] > 0) & torch.isfinite(points).all(1)
    ends = points[topology.edges]
    third = points[topology.opposite.clamp(min=0)]
    way = ends[:, 1, :2] - ends[:, 0, :2]
    apart = third[..., :2] - ends[:, :1, :2]
    area = way[:, :1] * apart[..., 1] - way[:, 1:] * apart[..., 0]
    drawn = (topology.opposite >= 0) & ahead[topology.opposite.clamp(min=0)]
    drawn &= ahead[topology.edges].all(1, keepdim=True)
    side = torch.where(drawn, torch.sign(area), 0.0)
    # Opposite sides cancel: the surface continues across the edge.
    together = side.sum(1)
    edges = torch.nonzero(together)[:, 0]
    return edges, torch.sign(together[edges])


def _candidates(fragments: MeshFragments, edges: Tensor, side: Tensor, along: int) -> _Candidates:
    """Crossings of the steep (along = 1) or flat (0) outline edges with lines of pixel centres."""
    _, height, width = fragments.size
    lines, places = (height, width) if along else (width, height)
    ends = fragments.meshes.points.detach()[fragments.meshes.topology.edges[edges]]
    way = ends[:, 1] - ends[:, 0]
    steep = way[:, 1].abs() >= way[:, 0].abs()
    mine = torch.nonzero(steep if along else ~steep)[:, 0]
    edges, side, ends, way = edges[mine], side[mine], ends[mine], way[mine]
    # Half-open spans, so that only one of two edges that meet on a line crosses it.
    span = torch.ceil(ends[..., along].clamp(-1e6, 1e6) - 0.5).long()
    first, end = span.amin(1).clamp(0, lines), span.amax(1).clamp(0, lines)
    count = (end - first).clamp(min=0)
    row = torch.repeat_interleave(torch.arange(len(edges), device=edges.device), count)
    line = first[row] + torch.arange(len(row), device=edges.device) - (count.cumsum(0) - count)[row]
    share = (line + 0.5 - ends[row, 0, along]) / way[row, along]
    across = ends[row, 0, 1 - along] + share * way[row, 1 - along]
    depth = 1 / ((1 - share) / ends[row, 0, 2] + share / ends[row, 1, 2])
    low = torch.floor(across.clamp(-1e6, 1e6) - 0.5).long()
    # The area that a step to the right (or down) makes with the edge has this sign.
    ahead = side[row] * way[row, along] * (-1 if along else 1) > 0
    starts = torch.tensor(fragments.meshes.first_edge[1:], device=edges.device)
    picture = torch.bucketize(edges[row], starts, right=True)
    pair = picture * height * width + (line * width + low if along else low * width + line)
    step = 1 if along else width
    inner, outer = torch.where(ahead, pair + step, pair), torch.where(ahead, pair, pair + step)
    inside = torch.nonzero((low >= 0) & (low < places - 1))[:, 0]
    return _Candidates(edges[row], line, depth, inner, outer, pair).keep(inside)


def _visible(fragments: MeshFragments, found: _Candidates) -> Tensor:
    """Indices of the visible candidates: the nearest per pair of pixels."""
    batch, height, width = fragments.size
    pixels = batch * height * width
    far = torch.full(
        (pixels,), torch.inf, dtype=fragments.depth.dtype, device=fragments.depth.device
    )
    depth = far.index_copy(0, fragments.pixel, fragments.depth.detach())
    within, beyond = depth[found.inner], depth[found.outer]
    good = torch.nonzero((within < beyond) & (found.depth * (1 + BEHIND) < beyond))[:, 0]
    pair = found.pair[good]
    nearest = far.scatter_reduce(0, pair, found.depth[good], "amin")
    good = good[found.depth[good] == nearest[pair]]
    # Edges that coincide, as at a seam of doubled vertices, count once.
    pair = found.pair[good]
    first = torch.full((pixels,), len(found.pair), dtype=torch.int64, device=pair.device)
    first = first.scatter_reduce(0, pair, good, "amin")
    return good[first[pair] == good]
