"""Networks of others, each run by a script of ours in an environment of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ..data import ByteArray
from ..errors import EngineUnavailable

# What the script writes into the folder of pictures.
OUT_NAME = "out.npz"


@dataclass(frozen=True)
class Peer:
    """A network and how to run it.

    Attributes
    ----------
    name: for messages. script: runs as ``PYTHON script FOLDER FOLDER/out.npz``, reads the pictures
        000000.png, 000001.png ... and prints one line for each.
    python: the interpreter of its environment. remedy: what to do where it cannot be run.
    """

    name: str
    script: Path
    python: Path
    remedy: str


def run_peer(peer: Peer, pictures: Sequence[ByteArray], folder: Path) -> dict[str, np.ndarray]:
    """The arrays that ``peer`` finds in (H, W, 3) ``pictures``; they are written to ``folder``.

    Raises
    ------
    EngineUnavailable: the interpreter cannot be started or the script fails, with its last message.
    """
    for number, picture in enumerate(pictures):
        bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(folder / f"{number:06}.png"), bgr)
    _run(peer, folder, len(pictures))
    with np.load(folder / OUT_NAME, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _run(peer: Peer, folder: Path, count: int) -> None:
    """The script, with a bar."""
    command = [str(peer.python), str(peer.script), str(folder), str(folder / OUT_NAME)]
    log = folder / "log.txt"
    try:
        with (
            log.open("w", encoding="utf-8") as errors,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
        ):
            assert process.stdout is not None
            for _ in tqdm(process.stdout, desc=peer.name, total=count, leave=False):
                pass
    except OSError as error:
        message = f"{peer.python} could not be started ({error})"
        raise EngineUnavailable(message, peer.remedy) from error
    if process.returncode or not (folder / OUT_NAME).exists():
        lines = log.read_text(encoding="utf-8").strip().splitlines() or ["no message"]
        raise EngineUnavailable(f"{peer.name} could not be run: {lines[-1]}", peer.remedy)
