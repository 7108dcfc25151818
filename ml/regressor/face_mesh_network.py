"""MediaPipe's attention mesh as a network: a face's crop -> 478 points and the features beneath.

The architecture of "Attention Mesh: High-fidelity Face Mesh Prediction in Real-time" (Grishchenko
et al., 2020) as MediaPipe ships it. The whole face gives 468 points. They place one patch around
the lips and one around each eye in an early feature map, and networks of their own find the points
of each region, and the irises, anew in its patch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

# Sides in pixels of the crop, of the feature map that patches are cut out of, and of a patch.
CROP, MAP, PATCH = 192, 48, 16
MESH_POINTS, POINTS, IRIS_POINTS = 468, 478, 5
# Channels of the last feature maps.
NECK = 32
# The side of a patch relative to the bounds of the points that it is for.
PATCH_SCALE = 1.5


@dataclass(frozen=True)
class Region:
    """A part of the face that is examined more closely.

    Attributes
    ----------
    corners: the two points whose line is level in its patch, from left to right.
    points: that lie in it, in the order of its head's output.
    """

    corners: tuple[int, int]
    points: list[int]


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split()]


# Of the lips: outer, inner, semi-outer and semi-inner contour.
LIPS = Region(
    (61, 291),
    _numbers(
        "61 146 91 181 84 17 314 405 321 375 291 185 40 39 37 0 267 269 270 409 "
        "78 95 88 178 87 14 317 402 318 324 308 191 80 81 82 13 312 311 310 415 "
        "76 77 90 180 85 16 315 404 320 307 306 184 74 73 72 11 302 303 304 408 "
        "62 96 89 179 86 15 316 403 319 325 292 183 42 41 38 12 268 271 272 407"
    ),
)
# Of an eye: the lids' edge, then rings around it up to the brow. Both in corresponding order; the
# right one is the subject's, which MediaPipe calls left.
RIGHT_EYE = Region(
    (33, 133),
    _numbers(
        "33 7 163 144 145 153 154 155 133 246 161 160 159 158 157 173 "
        "130 25 110 24 23 22 26 112 243 247 30 29 27 28 56 190 "
        "226 31 228 229 230 231 232 233 244 113 225 224 223 222 221 189 "
        "35 124 46 53 52 65 143 111 117 118 119 120 121 128 245 156 70 63 105 66 107 55 193"
    ),
)
LEFT_EYE = Region(
    (362, 263),
    _numbers(
        "263 249 390 373 374 380 381 382 362 466 388 387 386 385 384 398 "
        "359 255 339 254 253 252 256 341 463 467 260 259 257 258 286 414 "
        "446 261 448 449 450 451 452 453 464 342 445 444 443 442 441 413 "
        "265 353 276 283 282 295 372 340 346 347 348 349 350 357 465 "
        "383 300 293 334 296 336 285 417"
    ),
)
# The first points of an eye are its lids' edge; their mean depth is the iris's.
LID_POINTS = 16
REGIONS = (LIPS, RIGHT_EYE, LEFT_EYE)
# Which region each head belongs to, and how many points it finds: the eyes have one for the iris.
HEADS = ((0, 80), (1, 71), (1, IRIS_POINTS), (2, 71), (2, IRIS_POINTS))
# Numbers in MeshOutput.features: a map of 3x3 of the face, of 2x2 of each head, of 4x4 of each
# region.
BODIES = len(REGIONS) * 128 * 4 * 4
FEATURES = NECK * (3 * 3 + len(HEADS) * 2 * 2) + BODIES


@dataclass(frozen=True)
class MeshOutput:
    """What the network says of B crops.

    Attributes
    ----------
    points: (B, 478, 3) in MediaPipe's order: x to the right and y down from the crop's corner, in
        pixels of the crop; z in the same unit, smaller nearer to the camera, about 0 at the head's
        centre. The last ten are the irises: the right one's centre and four edges, the left one's.
    flag: (B,) probability that the crop shows a face.
    features: (B, FEATURES) the last feature maps before the heads: mesh, lips, right eye, right
        iris, left eye, left iris; then the maps that each region's heads share: lips, right eye,
        left eye.
    """

    points: Tensor
    flag: Tensor
    features: Tensor


class Block(nn.Module):
    """A separable 3x3 convolution and a shortcut, which is pooled and padded with channels.

    Networks of one architecture are computed together, as groups of channels.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1, groups: int = 1) -> None:
        """inputs, outputs: channels of each group."""
        super().__init__()
        wide = inputs * groups
        # TensorFlow pads a map of even side only at its far edge if the stride is two.
        self.depthwise = nn.Conv2d(wide, wide, 3, stride, stride % 2, groups=wide)
        self.pointwise = nn.Conv2d(wide, outputs * groups, 1, groups=groups)
        self.activation = nn.PReLU(outputs * groups)
        self.more, self.stride, self.groups = outputs - inputs, stride, groups

    def forward(self, x: Tensor) -> Tensor:
        """(B, groups * inputs, H, W) -> (B, groups * outputs, H / stride, W / stride)."""
        shortcut = x
        if self.stride == 2:
            shortcut = functional.max_pool2d(x, 2)
            x = functional.pad(x, (0, 1, 0, 1))
        if self.more:
            each = shortcut.unflatten(1, (self.groups, -1))
            shortcut = functional.pad(each, (0, 0, 0, 0, 0, self.more)).flatten(1, 2)
        activated: Tensor = self.activation(self.pointwise(self.depthwise(x)) + shortcut)
        return activated


def _stage(inputs: int, outputs: int, groups: int = 1) -> list[Block]:
    """Halve the resolution, then two blocks."""
    return [
        Block(inputs, outputs, 2, groups),
        Block(outputs, outputs, 1, groups),
        Block(outputs, outputs, 1, groups),
    ]


def _neck(inputs: int, groups: int = 1) -> list[nn.Module]:
    """To the few channels that the last convolution reads."""
    return [
        nn.Conv2d(inputs * groups, NECK * groups, 1, groups=groups),
        nn.PReLU(NECK * groups),
        Block(NECK, NECK, 1, groups),
    ]


class Regions(nn.Module):
    """The map and the face's points -> the points of lips, eyes and irises anew."""

    def __init__(self) -> None:
        super().__init__()
        count = len(REGIONS)
        self.body = nn.Sequential(
            Block(32, 32, 1, count),
            Block(32, 32, 1, count),
            *_stage(32, 64, count),
            Block(64, 128, 2, count),
        )
        count = len(HEADS)
        self.heads = nn.Sequential(
            Block(128, 128, 1, count),
            Block(128, 128, 1, count),
            *_stage(128, 128, count),
            *_neck(128, count),
        )
        self.read = nn.ModuleList(nn.Conv2d(NECK, 2 * points, 2) for _, points in HEADS)
        self.body_of = [region for region, _ in HEADS]

    def forward(self, early: Tensor, mesh: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Map (B, 32, MAP, MAP) and points (B, 468, 3) -> features, points of each head."""
        at = mesh[:, :, :2] * (MAP / CROP)
        to_map = [patch_to_map(at, region) for region in REGIONS]
        patches = torch.cat([cut_patch(early, place) for place in to_map], 1)
        bodies = self.body(patches).chunk(len(REGIONS), 1)
        last = self.heads(torch.cat([bodies[region] for region in self.body_of], 1))
        points = []
        for read, x, region in zip(self.read, last.chunk(len(HEADS), 1), self.body_of, strict=True):
            # They are said in the unit of the crop's pixels: so many to a pixel of the patch.
            turn, shift = to_map[region][:, :, :2], to_map[region][:, :, 2:] * (CROP / MAP)
            points.append((turn @ read(x).view(len(x), -1, 2).mT + shift).mT)
        return torch.cat([last.flatten(1), *(body.flatten(1) for body in bodies)], 1), points


def patch_to_map(points: Tensor, region: Region) -> Tensor:
    """(B, 2, 3) affine map from the patch's pixels to the map's, of points (B, 468, 2) in the map.

    In the patch the line between the region's corners is level; the patch is as wide and high as
    the bounds of its points, with a margin.
    """
    level = points[:, region.corners[1]] - points[:, region.corners[0]]
    angle = torch.atan2(level[:, 1], level[:, 0])
    cos, sin = angle.cos(), angle.sin()
    turn = torch.stack([cos, -sin, sin, cos], 1).view(-1, 2, 2)
    upright = points[:, region.points] @ turn
    low, high = upright.amin(1), upright.amax(1)
    turned = turn * (PATCH_SCALE / PATCH * (high - low))[:, None]
    center = turn @ ((low + high) / 2)[:, :, None]
    return torch.cat([turned, center - turned.sum(2, keepdim=True) * (PATCH / 2)], 2)


def cut_patch(early: Tensor, to_map: Tensor) -> Tensor:
    """(B, C, MAP, MAP) and (B, 2, 3) -> (B, C, PATCH, PATCH), bilinear; zero beyond the map."""
    steps = torch.arange(PATCH, dtype=early.dtype, device=early.device) + 0.5
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    places = torch.stack([x, y, torch.ones_like(x)], 2)
    # Of the map's samples: the first is at 0, the last at MAP - 1.
    at = places.view(1, -1, 3) @ to_map.mT - 0.5
    grid = (at * (2 / (MAP - 1)) - 1).view(-1, PATCH, PATCH, 2)
    within = ((at >= 0) & (at <= MAP - 1)).all(2).view(-1, 1, PATCH, PATCH)
    return functional.grid_sample(early, grid, align_corners=True) * within


class FaceMeshNetwork(nn.Module):
    """(B, 3, CROP, CROP) RGB in 0..1 -> MeshOutput."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2), nn.PReLU(16))
        self.early = nn.Sequential(Block(16, 16), Block(16, 16), Block(16, 32, 2))
        self.late = nn.Sequential(
            Block(32, 32),
            Block(32, 32),
            *_stage(32, 64),
            *_stage(64, 128),
            *_stage(128, 128),
            *_stage(128, 128),
            *_neck(128),
        )
        self.mesh = nn.Conv2d(NECK, MESH_POINTS * 3, 3)
        self.flag = nn.Conv2d(NECK, 1, 3)
        self.regions = Regions()

    def forward(self, x: Tensor) -> MeshOutput:
        """One output for B crops."""
        early = self.early(self.stem(functional.pad(x, (0, 1, 0, 1))))
        late = self.late(early)
        mesh = self.mesh(late).view(len(x), MESH_POINTS, 3)
        flag = torch.sigmoid(self.flag(late).flatten())
        last, (lips, right, right_iris, left, left_iris) = self.regions(early, mesh)
        points = mesh.clone()
        for region, anew in zip(REGIONS, (lips, right, left), strict=True):
            points[:, region.points, :2] = anew
        irises = [_iris(mesh, RIGHT_EYE, right_iris), _iris(mesh, LEFT_EYE, left_iris)]
        features = torch.cat([late.flatten(1), last], 1)
        return MeshOutput(torch.cat([points, *irises], 1), flag, features)


def _iris(mesh: Tensor, eye: Region, edge: Tensor) -> Tensor:
    """(B, 5, 3) points of an iris, as deep as its lids' edge."""
    deep = mesh[:, eye.points[:LID_POINTS], 2:].mean(1, keepdim=True)
    return torch.cat([edge, deep.expand(-1, IRIS_POINTS, -1)], 2)
