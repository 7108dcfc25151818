"""Draw a face again with another relief: its own colours, in the light of its photo.

The skin's logarithm is a sum, as in ml.detail.layers: the light on the smooth head, the face's
colours averaged over some millimetres, and the shading of the heights.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..data import FloatArray
from ..geometry.colour import srgb_of
from ..geometry.triangles import triangulate, triangulate_with_uv
from ..head.model import HeadModel
from ..photo.crop import warp_crop
from ..rendering import rasterize
from .band import average
from .light import LEAST, LUMINANCE, light_and_slopes_on
from .relief import Relief
from .solve import Shading
from .unwrap import UnwrappedPhoto, unwrap_photo
from .view import PersonView
from .window import SIDE, TEXEL_MM, to_window

# Side of the crop in pixels: CLIP's own size, or more for a smaller CLIP.
PIXELS = 224
# Its side over the extent of the skin that is seen.
_MARGIN = 1.1
# Colours are averaged over this, wider than most of the relief, which they must not hold again.
_COLOURS_MM = 10.0
# Below these weights a texel says nothing, and counts as little seen.
_KNOWN, _SEEN, _FEWEST = 0.02, 0.3, 500
# Natural logarithms that no skin's shading exceeds.
_MOST = 1.5


@dataclass(frozen=True)
class Scene:
    """A face in its photo, to be drawn with any heights.

    Attributes
    ----------
    photo: (P, P, 3) sRGB 0..1, the crop round the skin that is seen.
    mask: (P, P) 0..1, how well it is seen.
    smooth: (S, S, 3) natural logarithm of the linear colours without a relief.
    shading: the map from heights to what they add.
    places: (P, P, 2) column and row of the window at each pixel; outside it where there is none.
    """

    photo: FloatArray
    mask: FloatArray
    smooth: FloatArray
    shading: Shading
    places: FloatArray

    def drawn(self, height: FloatArray) -> FloatArray:
        """(P, P, 3) sRGB 0..1, the crop with (S, S) heights in mm; only the mask has meaning."""
        shaded = np.clip(self.shading.of(height), -_MOST, _MOST)[..., None]
        colours = _on_pixels(np.exp(self.smooth + shaded), self.places)
        return np.asarray(srgb_of(np.clip(colours, 0, 1)) / 255, dtype=np.float32)


def make_scene(view: PersonView, model: HeadModel, relief: Relief) -> Scene | None:
    """The face of ``view``, whose skin is seen as ``relief`` says; None where too little is.

    Raises
    ------
    EngineUnavailable: the renderer is not installed.
    """
    if (relief.weight > _SEEN).sum() < _FEWEST:
        return None
    photo = unwrap_photo(view, model)
    smooth, shading, known = _smooth(photo, relief.weight)
    low, side = _square(photo.pixels[relief.weight > _SEEN])
    to_photo = np.array([[side / PIXELS, 0, low[0]], [0, side / PIXELS, low[1]]], np.float32)
    crop = warp_crop(view.rgb, to_photo, PIXELS)
    places = _places(view, model, low, PIXELS / side)
    mask = _on_pixels(relief.weight * known, places)
    return Scene(crop.astype(np.float32) / 255, mask, smooth, shading, places)


def _smooth(photo: UnwrappedPhoto, weight: FloatArray) -> tuple[FloatArray, Shading, FloatArray]:
    """The colours and the shading of a :class:`Scene`, and (S, S) 0 or 1 where they are known."""
    known = (weight > _KNOWN).astype(np.float32)
    bright = photo.colours @ LUMINANCE
    even = np.maximum(bright / max(float(np.median(bright[weight > _SEEN])), 1e-4), 0.04)
    shone = light_and_slopes_on(photo, even, weight, known)
    known = known * (shone[0] > 0)
    lit = np.log(np.maximum(shone[0], LEAST))
    left = np.log(np.maximum(photo.colours, 1e-3)) - lit[..., None]
    layers = [average(left[..., k], known, _COLOURS_MM) for k in range(3)]
    return np.stack(layers, -1) + lit[..., None], Shading(shone[1], shone[2], TEXEL_MM), known


def _square(pixels: FloatArray) -> tuple[FloatArray, float]:
    """Upper left corner and side of the square round (N, 2) pixels, with a margin."""
    low, high = pixels.min(0), pixels.max(0)
    side = _MARGIN * float((high - low).max())
    return np.asarray((low + high) / 2 - side / 2, dtype=np.float32), side


def _places(view: PersonView, model: HeadModel, low: FloatArray, scale: float) -> FloatArray:
    """The places of a :class:`Scene` whose crop begins at ``low`` and has this ``scale``."""
    faces = model.part_faces("skin")
    skin, flat = triangulate_with_uv(model.quads[faces], model.uv_quads[faces])
    others = triangulate(np.delete(model.quads, faces, axis=0))
    camera, expressed = view.camera, view.person.expressed
    pixels = (camera.project(expressed) - low) * scale
    head = np.column_stack([pixels, camera.to_camera_space(expressed)[:, 2]])
    drawn = rasterize(head, np.concatenate([skin, others]), PIXELS, PIXELS, view.renderer)
    on = (drawn.face >= 0) & (drawn.face < len(skin))
    places = np.full((PIXELS, PIXELS, 2), -1e4, np.float32)
    uv = (model.uv[flat[drawn.face[on]]] * drawn.barycentric[on][..., None]).sum(1)
    places[on] = to_window(uv, SIDE) - 0.5
    return places


def _on_pixels(field: FloatArray, places: FloatArray) -> FloatArray:
    """(S, S, ...) on the window -> (P, P, ...), bilinear; 0 outside it."""
    found = cv2.remap(
        np.ascontiguousarray(field, dtype=np.float32),
        places[..., 0],
        places[..., 1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
    )
    return np.asarray(found, dtype=np.float32)
