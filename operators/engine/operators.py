"""Check and install the engine."""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

from ...ml.errors import UsageError
from ..jobs.operator import JobOperator
from ..runtime import (
    RELATIVE,
    check_online,
    chosen_proxy,
    engine,
    engine_folder,
    engine_python,
    path_of,
)
from ..translations import CONTEXT, tr
from . import background
from .base_python import suitable_python
from .client import Request
from .install import EXTRAS, NVIDIA, REQUIREMENTS, SIZES, InstallJob, Plan


class CheckJob:
    """Asks the engine for its versions and weights."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.fraction, self.message = 0.0, "Starting the engine"

    def step(self) -> bool:
        return self.request.poll()

    def cancel(self) -> None:
        self.request.cancel()


class _EngineOperator(JobOperator):
    """Mixin: the job belongs to no window, so that closing Preferences does not end it."""

    @staticmethod
    def outcome(job) -> str:
        """What to say of a job that ran to its end."""
        raise NotImplementedError

    def execute(self, context):
        if bpy.app.background:  # no timer runs there
            return super().execute(context)
        return self.guarded(lambda: self._begin_alone(context))

    def conclude(self, context, job):
        self.report({"INFO"}, self.outcome(job))
        return {"FINISHED"}

    def _begin_alone(self, context):
        background.begin(lambda: self.start(context), self.outcome)
        return {"FINISHED"}


class EFFIGY_OT_check_engine(_EngineOperator, bpy.types.Operator):
    """Start the engine and say which Python and packages it found"""

    bl_idname = "effigy.check_engine"
    bl_label = "Check engine"
    bl_options = {"REGISTER"}

    def start(self, context):
        python = engine_python()
        self.report({"INFO"}, f"Engine: {python.executable} ({python.source})")
        engine.stop()  # a fresh start: the packages may have changed since
        return CheckJob(engine.submit(python.executable, "check", {}))

    @staticmethod
    def outcome(job):
        facts = (f"{name} {_words(value)}" for name, value in job.request.result.items())
        return "The engine works: " + ", ".join(facts)


class EFFIGY_OT_install_engine(_EngineOperator, bpy.types.Operator):
    """Make a private Python environment with the engine's packages. Blender's own Python is not touched"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.install_engine"
    bl_label = "Install engine"
    bl_options = {"REGISTER"}

    agree: bpy.props.BoolProperty(
        name="Download and install",
        description="Fetch the packages from the Python Package Index",
        options={"SKIP_SAVE"},
        translation_context=CONTEXT,
    )

    build: bpy.props.EnumProperty(
        name="PyTorch",
        description="Which build of PyTorch is fetched",
        items=[
            ("cpu", "For the processor", "Small; on a Mac it uses the GPU, too"),
            ("nvidia", "For NVIDIA GPUs", "2.7 GB to download; needs NVIDIA's driver"),
        ],
        default="cpu",
        translation_context=CONTEXT,
    )
    extras: bpy.props.BoolProperty(
        name="Extras: face-alignment and CLIP",
        description="For Landmarks: face-alignment and Detail: Consistent",
        translation_context=CONTEXT,
    )

    def invoke(self, context, event):
        return self.guarded(lambda: self._invoke(context))

    def draw(self, context):
        column = self.layout.column()
        column.label(
            text="Effigy computes with PyTorch in a Python environment of its own.",
            text_ctxt=CONTEXT,
        )
        column.label(
            text=tr("This downloads about {size} MB and takes {disk} GB on disk, in:").format(
                size=SIZES[0], disk=SIZES[1]
            ),
            translate=False,
        )
        column.label(text=str(engine_folder()), translate=False)
        column.label(
            text="An engine that is there already is kept until the new one works.",
            text_ctxt=CONTEXT,
        )
        if sys.platform != "darwin":  # Apple's GPUs need no build of their own
            column.prop(self, "build")
        column.prop(self, "extras")
        column.prop(self, "agree")

    def start(self, context):
        _check_online()
        if not self.agree:
            raise UsageError(
                "The engine was not installed: you did not agree to the download",
                "Tick Download and install, or set a Python that has PyTorch in the preferences",
            )
        proxy = chosen_proxy()
        options = ("--proxy", proxy) if proxy else ()
        nvidia = self.build == "nvidia" and sys.platform != "darwin"
        lists = (REQUIREMENTS[0], NVIDIA) if nvidia else REQUIREMENTS
        return _install_job(lists, options, extras=self.extras)

    @staticmethod
    def outcome(job):
        return _installed()

    def _invoke(self, context):
        if self.agree:
            return self.execute(context)
        _check_online()
        return context.window_manager.invoke_props_dialog(self, width=460)


class EFFIGY_OT_install_engine_from_folder(_EngineOperator, bpy.types.Operator):
    """Install the engine out of a folder of wheels, without the network"""

    bl_idname = "effigy.install_engine_from_folder"
    bl_label = "Install from folder"
    bl_options = {"REGISTER"}

    directory: bpy.props.StringProperty(
        subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"} | RELATIVE
    )
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    extras: bpy.props.BoolProperty(
        name="Extras: face-alignment and CLIP",
        description="For Landmarks: face-alignment and Detail: Consistent",
        translation_context=CONTEXT,
    )

    def invoke(self, context, event):
        if self.directory:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def start(self, context):
        folder = path_of(self.directory) if self.directory else None
        if folder is None or not any(folder.glob("*.whl")):
            raise UsageError(
                f"There are no wheels in {folder or 'the folder'}",
                "Choose a folder with the .whl files of the engine's packages: see the manual",
            )
        options = ("--no-index", "--find-links", str(folder))
        return _install_job(REQUIREMENTS, options, extras=self.extras)

    @staticmethod
    def outcome(job):
        return _installed()


def _install_job(lists: tuple[Path, ...], options: tuple[str, ...], *, extras: bool) -> InstallJob:
    """Installs these lists with these options; until its end the old engine can be used."""
    requirements = (*lists, EXTRAS) if extras else lists
    plan = Plan(requirements, options, before_swap=engine.stop)
    return InstallJob(suitable_python(), engine_folder(), plan)


def _installed() -> str:
    return f"The engine is installed in {engine_folder()}"


def _words(value: object) -> str:
    return ("; ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)


def _check_online() -> None:
    check_online(
        "the engine cannot be downloaded",
        "set a Python that already has PyTorch in the extension's preferences",
    )


CLASSES = (
    EFFIGY_OT_check_engine,
    EFFIGY_OT_install_engine,
    EFFIGY_OT_install_engine_from_folder,
)
