"""Every command of ``python -m ml.evaluation``, and the module that it runs.

A new benchmark is a module with the functions of :class:`.benchmark.Benchmark`, and a line here.
Modules are imported when their command runs: what one benchmark needs must not slow another down.
"""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple, cast

from .benchmark import Benchmark


class Command(NamedTuple):
    """A command: its name, the module within this package, and what it measures."""

    name: str
    module: str
    help: str

    def benchmark(self) -> Benchmark:
        """The module, imported."""
        return cast(Benchmark, import_module(f".{self.module}", __package__))


COMMANDS = (
    Command("portraits", "photos.landmarks", "landmark error on labelled portraits"),
    Command("wild", "photos.landmarks", "landmark error on labelled photos in the wild"),
    Command("detection", "photos.detection", "finding tilted, small and turned faces only"),
    Command("calibration", "photos.calibration", "whether confidence 0.8 is right 8 times in 10"),
    Command("sheet", "photos.sheet", "overlays of all results on one of the labelled sets"),
    Command("head", "head.quality", "the head model: its mesh, its reach, its contacts"),
    Command("wrap", "head.wrapping", "heads of other topologies, wrapped onto random people"),
    Command("synthetic", "synthetic.heads", "shape, expression and pose of rendered people"),
    Command("oracle", "synthetic.oracle", "what true depths and normals are worth to the fit"),
    Command("expressions", "synthetic.expressions", "every expression key: found, and silent"),
    Command("video", "synthetic.video", "a video of a rendered person with known curves"),
    Command("quality", "trust.command", "whether quality tells how far a head can be trusted"),
    Command("same-person", "synthetic.same_person", "one identity for several photos of a person"),
    Command("pins", "synthetic.pins", "what pins of somebody who knows the truth are worth"),
    Command("sliders", "synthetic.sliders", "whether shape sliders do what they say, nothing else"),
    Command("texture", "synthetic.texture", "albedo, hidden skin and re-rendering"),
    Command("blend", "synthetic.blend", "one texture from three photos against single ones"),
    Command("skin", "photos.skin", "seams, shadows, brows and hue of albedos of photos"),
    Command("irises", "synthetic.irises", "colour of irises of rendered people"),
    Command("detail", "synthetic.detail", "folds and lumps of rendered people who have them"),
    Command("likeness", "likeness.command", "whether heads in clay are recognisable on photos"),
    Command("parsing", "parsing.measure", "what each pixel round a face shows, and overlays"),
    Command("hair", "hair.measure", "outlines of heads with hair against the parse, and time"),
    Command("ablation", "ablation.measure", "what each part of the method adds"),
    Command("realy", "benchmarks.protocol", "results against the scans of REALY"),
    Command("now", "benchmarks.protocol", "results against the scans of NoW"),
    Command("facescape", "benchmarks.protocol", "results against the scans of FaceScape"),
    Command("speed", "speed.photo", "time of one photo by step, cold and warm"),
    Command("profile", "speed.profile", "processor time by part, and of new processes"),
    Command("one", "speed.one", "reconstruct one photo, for timing a new process"),
    Command("throughput", "speed.throughput", "photos per second, beside what the machine can do"),
    Command("rendering", "speed.rendering", "time of the differentiable renderer, both ways"),
    Command("report", "report.command", "measure everything and write docs/accuracy.md"),
)
