"""``python -m ml.evaluation ablation``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ...settings import DETAIL_MODES


def add_ablation(commands: argparse._SubParsersAction[Any]) -> None:
    """Put the command into the parser."""
    parser = commands.add_parser("ablation", help=str(run_ablation.__doc__))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--reference", type=Path, default=Path("out/head/reference.npz"))
    parser.add_argument("--fits", type=Path, default=Path("out/fits/train.npz"))
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--variant", nargs="*", default=[], metavar="NAME=CHECKPOINT")
    parser.add_argument("--detail", nargs="*", choices=DETAIL_MODES[1:], default=["fast"])
    parser.add_argument("--table", type=Path, help="write the table as Markdown here")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path, help="draw some people and their heads here")
    parser.set_defaults(run=run_ablation)


def run_ablation(arguments: argparse.Namespace) -> None:
    """What each part of the method adds, on people with folds of their own."""
    from . import variants as ablation

    variants = ablation.read_variants(arguments.variant)
    rows = ablation.run(
        arguments.data,
        arguments.reference,
        arguments.fits,
        arguments.people,
        variants,
        tuple(arguments.detail),
        arguments.picture,
    )
    summary = ablation.summarise(rows)
    text = ablation.report(summary)
    print(text)
    for path, content in (
        (arguments.table, text + "\n"),
        (arguments.json, json.dumps({"summary": summary}, indent=1) + "\n"),
    ):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
