"""Convert MediaPipe's attention mesh to the weights that ship, with their card.

    python -m ml.training.face_mesh face_landmark_with_attention.tflite

The file lies in ``mediapipe/modules/face_landmark`` of the package mediapipe 0.10.21. Reading it
needs the packages of the dependency group ``convert`` in pyproject.toml. Nothing is trained: the
numbers are MediaPipe's, of 16 bits as they are there.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..assets.card import write_card
from ..assets.weights import store_weights
from ..data import FloatArray
from ..errors import UsageError, explained
from ..regressor.face_mesh import WEIGHTS
from ..regressor.face_mesh_network import HEADS, REGIONS, FaceMeshNetwork

RELEASE = "mediapipe 0.10.21"
SHA256 = "e06a804e0144f9929eda782122916b35d60c697c3c9344013ca2bbe76a6ce2b4"
REMEDY = f"Give mediapipe/modules/face_landmark/face_landmark_with_attention.tflite of {RELEASE}"
FLOAT16 = 1
# MediaPipe's names of the last convolutions; its left is the left in the picture.
READ = ("lips", "left_eye", "left_iris", "right_eye", "right_iris")
# Constants that are of no layer: factors between the units of crop, map and patch.
FACTORS = "multiply_by_constant"


def read_constants(content: bytes) -> dict[str, FloatArray]:
    """The 16-bit constants of a TensorFlow Lite file, by name, in its own order of axes.

    Raises
    ------
    UsageError: the packages that read it are not installed.
    """
    try:
        tflite: Any = importlib.import_module("tflite")
    except ImportError as error:
        raise UsageError(
            f"The package {error.name} is missing",
            "Install tflite and flatbuffers, the group convert of pyproject.toml",
        ) from error
    model = tflite.Model.GetRootAsModel(content, 0)
    graph = model.Subgraphs(0)
    constants = {}
    for number in range(graph.TensorsLength()):
        tensor = graph.Tensors(number)
        buffer = model.Buffers(tensor.Buffer())
        if tensor.Type() == FLOAT16 and buffer.DataLength():
            values = np.frombuffer(buffer.DataAsNumpy().tobytes(), np.float16)
            constants[tensor.Name().decode()] = values.reshape(tensor.ShapeAsNumpy())
    return {name: np.asarray(values, np.float32) for name, values in constants.items()}


def fill(network: FaceMeshNetwork, constants: dict[str, FloatArray]) -> None:
    """Write the constants into the network.

    Raises
    ------
    ValueError: one is missing or is of no layer. RuntimeError: one has another shape.
    """
    layers = list(named_layers(network))
    wanted = {f"{name}/{key}" for name, layer, *_ in layers for _, key in _parts(layer)}
    given = {name for name in constants if not name.startswith(FACTORS)}
    if wanted != given:
        raise ValueError(f"Missing, or of no layer: {sorted(wanted ^ given)}")
    for name, layer, group, groups in layers:
        for part, key in _parts(layer):
            target = getattr(layer, part).data.chunk(groups)[group]
            target.copy_(_in_our_order(constants[f"{name}/{key}"], layer).reshape(target.shape))


def named_layers(network: FaceMeshNetwork) -> Iterator[tuple[str, nn.Module, int, int]]:
    """Each layer's name in the file, the layer, which of its groups that is, and of how many."""
    yield "output_mesh", network.mesh, 0, 1
    yield "conv_faceflag", network.flag, 0, 1
    for name, layer in zip(READ, network.regions.read, strict=True):
        yield f"conv_{name}", layer, 0, 1
    # The others are numbered, each kind by itself, in the order in which they were made.
    counts = Counter[str]()
    for part, group, groups in _parts_in_order(network):
        for layer in part.modules():
            if isinstance(layer, nn.PReLU | nn.Conv2d):
                kind = _kind(layer)
                yield f"{kind}_{counts[kind]}".removesuffix("_0"), layer, group, groups
                counts[kind] += 1


def _parts_in_order(network: FaceMeshNetwork) -> Iterator[tuple[nn.Module, int, int]]:
    for part in (network.stem, network.early, network.late):
        yield part, 0, 1
    for region in range(len(REGIONS)):
        yield network.regions.body, region, len(REGIONS)
        for head, (of, _) in enumerate(HEADS):
            if of == region:
                yield network.regions.heads, head, len(HEADS)


def _kind(layer: nn.PReLU | nn.Conv2d) -> str:
    if isinstance(layer, nn.PReLU):
        return "p_re_lu"
    return "depthwise_conv2d" if layer.groups == layer.in_channels else "conv2d"


def _parts(layer: nn.Module) -> tuple[tuple[str, str], ...]:
    """The parameters of a layer, and what the file calls them."""
    if isinstance(layer, nn.PReLU):
        return (("weight", "Alpha"),)
    return ("weight", "Kernel"), ("bias", "Bias")


def _in_our_order(values: FloatArray, layer: nn.Module) -> Tensor:
    """With the axes of PyTorch: out, in, down, across."""
    if values.ndim == 4:
        depthwise = isinstance(layer, nn.Conv2d) and layer.groups == layer.in_channels
        values = values.transpose((3, 0, 1, 2) if depthwise else (0, 3, 1, 2))
    return torch.from_numpy(np.ascontiguousarray(values))


def convert(source: Path, target: Path = WEIGHTS) -> None:
    """Write weights and card.

    Raises
    ------
    UsageError: the file is not the one of MediaPipe 0.10.21, or what reads it is not installed.
    HeadError: the file cannot be read; says why.
    """
    try:
        content = source.read_bytes()
    except OSError as error:
        raise explained(error, source) from error
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise UsageError(f"{source} is not the network of {RELEASE}", REMEDY)
    network = FaceMeshNetwork()
    fill(network, read_constants(content))
    store_weights(network.state_dict(), target)
    write_card(
        target,
        name="MediaPipe attention mesh",
        licence="Apache-2.0",
        commercial_use=True,
        sources=(
            f"{source.name} of {RELEASE} (Apache-2.0), © The MediaPipe Authors, sha256 {SHA256}; "
            "only its format was changed",
        ),
        command=f"python -m ml.training.face_mesh {source.name}",
        details={},
    )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("source", type=Path, help="the .tflite file")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="weights to write")
    arguments = parser.parse_args()
    convert(arguments.source, arguments.out)


if __name__ == "__main__":
    main()
