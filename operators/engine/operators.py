"""Check and install the engine."""

from __future__ import annotations

import bpy

from ...ml.errors import UsageError
from ..jobs.operator import JobOperator
from ..reporting import call_operator
from ..runtime import engine, engine_folder, engine_python
from .client import Request
from .install import REQUIREMENTS, InstallJob, suitable_python


class CheckJob:
    """Asks the engine for its versions and weights."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.fraction, self.message = 0.0, "Starting the engine"

    def step(self) -> bool:
        return self.request.poll()

    def cancel(self) -> None:
        self.request.cancel()


class EFFIGY_OT_check_engine(JobOperator, bpy.types.Operator):
    """Start the engine and say which Python and packages it found"""

    bl_idname = "effigy.check_engine"
    bl_label = "Check engine"
    bl_options = {"REGISTER"}

    def invoke(self, context, event):
        return self.run_modal(context)

    def start(self, context):
        python = engine_python()
        self.report({"INFO"}, f"Engine: {python.executable} ({python.source})")
        engine.stop()  # a fresh start: the packages may have changed since
        return CheckJob(engine.submit(python.executable, "check", {}))

    def conclude(self, context, job):
        facts = (f"{name} {_words(value)}" for name, value in job.request.result.items())
        self.report({"INFO"}, "The engine works: " + ", ".join(facts))
        return {"FINISHED"}


class EFFIGY_OT_install_engine(JobOperator, bpy.types.Operator):
    """Make a private Python environment with the engine's packages. Blender's own Python is not touched"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.install_engine"
    bl_label = "Install engine"
    bl_options = {"REGISTER"}

    agree: bpy.props.BoolProperty(
        name="Download and install",
        description="Fetch the packages from the Python Package Index",
        options={"SKIP_SAVE"},
    )
    asked: bpy.props.BoolProperty(options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context, event):
        return self.guarded(lambda: self._invoke(context))

    def draw(self, context):
        column = self.layout.column()
        column.label(text="Effigy computes with PyTorch in a Python environment of its own.")
        column.label(text="This downloads about 250 MB and takes 1.5 GB on disk, in:")
        column.label(text=str(engine_folder()))
        column.prop(self, "agree")

    def execute(self, context):
        if self.asked and not bpy.app.background:
            # The dialog calls execute, which cannot become modal: begin anew.
            return self.guarded(self._begin_anew)
        return super().execute(context)

    def start(self, context):
        _check_online()
        if not self.agree:
            raise UsageError(
                "The engine was not installed: you did not agree to the download",
                "Tick Download and install, or set a Python that has PyTorch in the preferences",
            )
        engine.stop()  # its files are about to be replaced
        return InstallJob(suitable_python(), engine_folder(), REQUIREMENTS)

    def conclude(self, context, job):
        self.report({"INFO"}, f"The engine is installed in {engine_folder()}")
        return {"FINISHED"}

    def _invoke(self, context):
        if self.agree:
            return self.run_modal(context)
        _check_online()
        self.asked = True
        return context.window_manager.invoke_props_dialog(self, width=460)

    def _begin_anew(self):
        how = "INVOKE_DEFAULT" if self.agree else "EXEC_DEFAULT"
        call_operator(bpy.ops.effigy.install_engine, how, agree=self.agree)
        return {"FINISHED"}


def _words(value: object) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)


def _check_online() -> None:
    if not bpy.app.online_access:
        raise UsageError(
            "Blender is set to stay offline, so the engine cannot be downloaded",
            "Tick Allow Online Access in Preferences, System, Network; or set a Python that "
            "already has PyTorch in the extension's preferences",
        )


CLASSES = (EFFIGY_OT_check_engine, EFFIGY_OT_install_engine)
