"""The face-alignment package as an alternative detector and landmark source.

Its weights do not ship with Effigy. They are used if they lie in torch's hub folder, or downloaded
after the person has agreed; otherwise the error says what to do. The package itself never gets to
download, because it would not check what it fetched. This relies on two facts about face-alignment
1.5.0: it loads its weights in its constructor, and it looks for them by name in
``$TORCH_HOME/hub/checkpoints`` before it downloads them.
"""

from __future__ import annotations

import hashlib
import os
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from types import ModuleType

import numpy as np

from ..data import FaceBox, FloatArray, Landmarks, Photo
from ..errors import EXTRAS_REMEDY, EngineUnavailable, WeightsMissing, explained
from ..settings import DOWNLOAD_PROXY

# Each name ends in the first digits of the file's SHA-256.
WEIGHT_FILES = ("2DFAN4-11f355bf06.pth.tar", "s3fd-619a316812.pth")
_OTHERWISE = "or use Effigy's own landmarks (--landmarks effigy)"
_BLOCK = 1 << 20
# Standard deviation of its landmarks as a share of the face box's side.
SIGMA_SHARE = 0.012
# Longer side in pixels of the photo that its detector gets.
LARGEST_SIDE = 1024
# Side of our box per extent of the 68 points.
IBUG_BOX_SCALE = 1.62


@dataclass(frozen=True)
class DetectedFace:
    """A face that face-alignment detected: our box, and 68 iBUG landmarks in photo pixels."""

    box: FaceBox
    landmarks: Landmarks


def weights_folder() -> Path:
    """The folder in which face-alignment looks for its weights."""
    import torch

    return Path(torch.hub.get_dir()) / "checkpoints"


class FaceAlignmentSource:
    """Finds faces and their 68 landmarks with face-alignment, on the CPU."""

    def __init__(self, *, allow_download: bool = False) -> None:
        """Load the networks; raises WeightsMissing if their weights are missing or damaged."""
        face_alignment = _package()
        folder = weights_folder()
        missing = [name for name in WEIGHT_FILES if not (folder / name).is_file()]
        if missing and not allow_download:
            raise WeightsMissing(
                f"face-alignment's weights {', '.join(missing)} are not in {folder}",
                "Put them there, or allow the download (in Blender's preferences of Effigy; "
                f"--allow-download on the command line), {_OTHERWISE}",
            )
        # Other programs write into this folder, too.
        for name in WEIGHT_FILES:
            if name in missing:
                download(_address(name), folder / name)
            else:
                check_weights(folder / name)

        two_d = face_alignment.LandmarksType.TWO_D
        try:
            # compile=True would spend minutes in a C++ compiler.
            self._aligner = face_alignment.FaceAlignment(
                two_d, device="cpu", flip_input=False, compile=False
            )
        except (OSError, RuntimeError, EOFError, KeyError, UnpicklingError) as error:
            raise WeightsMissing(
                f"face-alignment's weights in {folder} cannot be used ({error})",
                f"Delete {' and '.join(WEIGHT_FILES)} there and get them again",
            ) from error

    def detect(self, photo: Photo) -> list[DetectedFace]:
        """All faces with their landmarks, in the detector's order."""
        import cv2

        scale = min(1.0, LARGEST_SIDE / max(photo.width, photo.height))
        size = (round(photo.width * scale), round(photo.height * scale))
        small = cv2.resize(photo.rgb, size, interpolation=cv2.INTER_AREA)
        boxes = self._aligner.face_detector.detect_from_image(small)
        scaled = [(*(np.asarray(box[:4]) / scale), float(box[4])) for box in boxes]
        return self.landmarks_in(photo, scaled)

    def landmarks_in(
        self, photo: Photo, boxes: Sequence[tuple[float, float, float, float, float]]
    ) -> list[DetectedFace]:
        """Landmarks of the faces in known (x0, y0, x1, y1, score) boxes, photo pixels."""
        if not boxes:
            return []
        found = self._aligner.get_landmarks_from_image(photo.rgb, detected_faces=list(boxes))
        return [
            detected_face(np.asarray(points, np.float32)[:, :2], box[4])
            for points, box in zip(found, boxes, strict=True)
        ]


def check_weights(path: Path) -> None:
    """Check that a file's SHA-256 begins as its name ends.

    Raises
    ------
    WeightsMissing: it is another file. HeadError: it cannot be read; says why.
    """
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise explained(error, path) from error
    if not found.startswith(_digits(path)):
        raise WeightsMissing(
            f"{path} is not the file that its name says (SHA-256 {found})",
            f"Delete it and get it again, {_OTHERWISE}",
        )


def _digits(path: Path) -> str:
    """The first digits of the SHA-256 that a file of this name has."""
    return path.name.partition(".")[0].rpartition("-")[2]


def download(address: str, target: Path) -> None:
    """Fetch a file whose SHA-256 begins as its name ends; it is there whole and right, or not.

    Raises
    ------
    WeightsMissing: it could not be fetched or written, or is not the file of that name.
    """
    wanted = _digits(target)
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    found = hashlib.sha256()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _opener().open(address, timeout=60) as answer, partial.open("wb") as file:
            while block := answer.read(_BLOCK):
                found.update(block)
                file.write(block)
        if found.hexdigest().startswith(wanted):
            os.replace(partial, target)
            return
    except OSError as error:
        raise WeightsMissing(
            f"face-alignment's weights {target.name} could not be downloaded ({error})",
            f"Check the network connection, or put them into {target.parent}, {_OTHERWISE}",
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    raise WeightsMissing(
        f"What was downloaded for {target.name} is another file (SHA-256 {found.hexdigest()})",
        f"It was deleted. Put the right one into {target.parent}, {_OTHERWISE}",
    )


def _opener() -> urllib.request.OpenerDirector:
    proxy = os.environ.get(DOWNLOAD_PROXY)
    if proxy is None:  # not a process of Blender's: as the system is set up
        return urllib.request.build_opener()
    proxies = {"http": proxy, "https": proxy} if proxy else {}
    return urllib.request.build_opener(urllib.request.ProxyHandler(proxies))


def _package() -> ModuleType:
    try:
        import face_alignment
    except ImportError as error:
        raise EngineUnavailable(
            f"face-alignment is not installed in the engine's Python ({error})",
            f"{EXTRAS_REMEDY}, {_OTHERWISE}",
        ) from error
    return face_alignment


def _address(name: str) -> str:
    """Where the package itself would fetch this file."""
    from face_alignment import api
    from face_alignment.detection.sfd import sfd_detector

    known = (*api.models_urls.values(), *sfd_detector.models_urls.values())
    return next(str(address) for address in known if address.endswith("/" + name))


def detected_face(points: FloatArray, score: float) -> DetectedFace:
    """Our box and sigma for (68, 2) iBUG landmarks in photo pixels."""
    across = points[45] - points[36]
    roll = float(np.arctan2(across[1], across[0]))
    cos, sin = np.cos(roll), np.sin(roll)
    upright = points @ np.array([[cos, -sin], [sin, cos]])
    low, high = upright.min(0), upright.max(0)
    middle = (low + high) / 2
    # The 68 points end at the brows, and our boxes include the forehead.
    extent = float((high - low).max())
    middle[1] -= 0.08 * extent
    centre = np.array([[cos, -sin], [sin, cos]]) @ middle
    box = FaceBox(
        (float(centre[0]), float(centre[1])), IBUG_BOX_SCALE * extent, roll, min(score, 1.0)
    )
    sigma = np.full(len(points), SIGMA_SHARE * box.size, np.float32)
    return DetectedFace(box, Landmarks(points.astype(np.float32), sigma))
