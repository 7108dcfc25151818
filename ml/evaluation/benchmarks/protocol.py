"""Results against the scans of a published benchmark, by its own protocol.

    python -m ml.evaluation realy --data FOLDER --results FOLDER

The data are the user's own copy, laid out as the module of the benchmark says.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

from ...head.storage import load_head_model
from ..benchmark import Outcome, add_data_options
from .result import ScanResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_data_options(parser)
    parser.add_argument("--results", type=Path, required=True, help="folder of heads or meshes")


def run(arguments: argparse.Namespace) -> Outcome:
    protocol = import_module(f".{arguments.command}", __package__)
    result: ScanResult = protocol.measure(arguments.data, arguments.results, load_head_model())
    return Outcome(result.report(), result.to_json())
