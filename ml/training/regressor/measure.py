"""Errors of a regressor: of landmarks for the training log, of identity for the card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from ...data import FloatArray
from ...photo.crop import CROP_SIZE, FACE_POINTS, box_from_landmarks, crop_to_photo, warp_crop
from ...regressor.network import HeadNetwork
from ..data.stored import RENDER, open_samples
from .batches import centre_crops

EYES = (33, 263)


@torch.inference_mode()
def portrait_error(network: nn.Module, data: Path) -> float:
    """Mean distance of 468 points in per cent of the outer-eye distance, on portraits/dev.

    The crops come from the labels; the benchmark in ml/evaluation finds the faces itself.
    """
    with np.load(data / "portraits" / "dev.npz") as archive:
        names, labels = archive["photo"], archive["landmarks"][..., :2]
    crops, maps = [], []
    for name, label in zip(names, labels, strict=True):
        with Image.open(data / "portraits" / "dev" / str(name)) as image:
            rgb = np.asarray(image.convert("RGB"))
        maps.append(crop_to_photo(box_from_landmarks(label)))
        crops.append(warp_crop(rgb, maps[-1], CROP_SIZE))
    pixels = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 255
    device = next(network.parameters()).device
    refined = network(pixels.to(device, memory_format=torch.channels_last))[-1]
    points = (refined.points.cpu().numpy()[:, :FACE_POINTS] + 1) * (CROP_SIZE / 2)
    errors = []
    for found, to_photo, label in zip(points, maps, labels, strict=True):
        placed = found @ to_photo[:, :2].T + to_photo[:, 2]
        eyes = np.linalg.norm(label[EYES[0]] - label[EYES[1]])
        errors.append(np.linalg.norm(placed - label[:FACE_POINTS], axis=1).mean() / eyes)
    return 100 * float(np.mean(errors))


@torch.inference_mode()
def identity_sigma(network: HeadNetwork, samples: Path) -> FloatArray:
    """(I,) root mean square error of the refined identity on renders kept out of training.

    samples: a folder that ml.training.data.generate made with another seed.
    """
    stored = open_samples(samples)
    rows = np.flatnonzero(np.array(stored["kind"]) == RENDER)
    errors = []
    for some in np.array_split(rows, max(1, len(rows) // 64)):
        crops = torch.from_numpy(centre_crops(stored["images"][some], network.shape.crop))
        found = network(crops.contiguous(memory_format=torch.channels_last))[-1].identity.numpy()
        errors.append(found - stored["identity"][some].astype(np.float32))
    return np.asarray(np.sqrt((np.concatenate(errors) ** 2).mean(0)), np.float32)
