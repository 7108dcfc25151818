"""Label adaptation: a teacher's points on photos differ from the surface points of renders.

MediaPipe's contour slides along the cheek as the head turns, and its brows and lids lie a little
beside ours. To train one point on both would blur both, so the training learns how the teacher's
points differ, as Wood et al. ("Fake It Till You Make It", ICCV 2021) do for annotation styles.
The network itself predicts surface points only.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

TEACHER_POINTS = 478
# View direction, its squares and products.
FEATURES = 6


class TeacherOffset(nn.Module):
    """(B, 478, 2) offsets from the surface points to the teacher's points, in crop units."""

    def __init__(self, points: int) -> None:
        super().__init__()
        self.taught = min(points, TEACHER_POINTS)
        self.weight = nn.Parameter(torch.zeros(FEATURES, self.taught * 2))

    def forward(self, rotation: Tensor, size: Tensor) -> Tensor:
        """rotation: (B, 3, 3) head -> camera. size: (B,) the face's extent in crop units."""
        # The direction to the camera in the head's axes.
        x, y = rotation[:, 2, 0], rotation[:, 2, 1]
        features = torch.stack([torch.ones_like(x), x, y, x * x, x * y, y * y], 1)
        upright = (features @ self.weight).view(len(rotation), -1, 2)
        # Offsets are learned for an upright head and turn with it in the picture.
        up = nn.functional.normalize(rotation[:, :2, 1], dim=1)
        up_x, up_y = up[:, 0, None], up[:, 1, None]
        u, v = upright[..., 0], upright[..., 1]
        turned = torch.stack([-u * up_y - v * up_x, u * up_x - v * up_y], 2)
        return turned * size[:, None, None]


def as_taught(points: Tensor, offset: TeacherOffset, rotation: Tensor, taught: Tensor) -> Tensor:
    """(B, L, 2) points in the labels' convention: with the teacher's offset where ``taught`` is 1.

    rotation: (B, 3, 3) head -> camera. taught: (B,) 1 for samples that a teacher labelled, else 0.
    """
    face, rest = points.split([offset.taught, points.shape[1] - offset.taught], 1)
    extent = (face.amax(1) - face.amin(1)).amax(1).detach()
    return torch.cat([face + offset(rotation, extent) * taught[:, None, None], rest], 1)
