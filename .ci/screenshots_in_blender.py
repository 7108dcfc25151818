"""Runs inside a Blender with a window, for screenshots.py: uses the extension as a person does.

Writes NAME.png for each picture into the folder that it is given and, at the end, shots.json: the
part of each that is shown, (left, top, right, bottom) in pixels.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import bpy

FOLDER = Path(sys.argv[sys.argv.index("--") + 1])
PLAN = json.loads((FOLDER / "plan.json").read_text())
# ImageMagick's, for X11: on virtual screens Blender's own screenshots are black. The window is then
# all that the screen shows.
GRABBER = shutil.which("import")
PATIENCE = 600.0  # seconds for one head, on a slow machine
shots: dict[str, tuple[int, int, int, int]] = {}


def view() -> dict[str, object]:
    """The 3D View as a context."""
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    region = next(region for region in area.regions if region.type == "WINDOW")
    return {"window": window, "area": area, "region": region, "space_data": area.spaces.active}


def take(name: str, part: bpy.types.Area | bpy.types.Region | None = None) -> None:
    """Save the window; ``part``: what of it is shown, all by default."""
    window, path = bpy.context.window_manager.windows[0], str(FOLDER / f"{name}.png")
    if GRABBER and "DISPLAY" in os.environ:
        subprocess.run([GRABBER, "-window", "root", path], check=True)
    else:
        with bpy.context.temp_override(window=window, screen=window.screen):
            bpy.ops.screen.screenshot(filepath=path)
    box = (0, 0, window.width, window.height)
    if part is not None:
        top = window.height - part.y - part.height
        box = (part.x, top, part.x + part.width, top + part.height)
    shots[name] = box


def steps() -> Iterator[float]:
    """All pictures; each yield lets so many seconds pass."""
    yield from prepare()
    yield from reconstruct()
    sidebar = next(region for region in view()["area"].regions if region.type == "UI")
    take("expression", sidebar)
    with bpy.context.temp_override(**view()):
        bpy.ops.effigy.photo_view()
    yield 5.0
    take("photo_view", view()["area"])
    yield from show_asset()
    yield from show_random_people()


def prepare() -> Iterator[float]:
    preferences = bpy.context.preferences
    bpy.ops.extensions.package_install_files(
        filepath=PLAN["extension"], repo="user_default", enable_on_install=True
    )
    addon = next(addon for addon in preferences.addons if addon.module.endswith(".effigy"))
    addon.preferences.engine_python = PLAN["engine"]
    bpy.data.batch_remove(list(bpy.data.objects))
    space = view()["space_data"]
    space.show_region_ui = True
    yield 2.0  # tabs exist once they were drawn
    sidebar = next(region for region in view()["area"].regions if region.type == "UI")
    sidebar.active_panel_category = "Effigy"
    yield 2.0


def reconstruct() -> Iterator[float]:
    job, end = bpy.context.window_manager.effigy_job, time.monotonic() + PATIENCE
    with bpy.context.temp_override(**view()):
        bpy.ops.effigy.reconstruct("INVOKE_DEFAULT", filepath=PLAN["photo"])
    while job.running and "texture" not in job.message and time.monotonic() < end:
        yield 0.2
    take("running", view()["area"])
    while job.running and time.monotonic() < end:
        yield 0.5
    if not any("effigy" in obj for obj in bpy.data.objects):
        raise RuntimeError(f"there is no head after {PATIENCE:g} s: {job.message}")
    yield PLAN["shaders"]
    take("first_head")


def show_asset() -> Iterator[float]:
    place = view()
    # Only a saved file has catalogues.
    bpy.ops.wm.save_as_mainfile(filepath=str(FOLDER / "heads.blend"))
    with bpy.context.temp_override(**place):
        bpy.ops.effigy.mark_asset()
    area = place["area"]
    area.ui_type = "ASSETS"
    yield 2.0
    area.spaces.active.params.asset_library_reference = "LOCAL"
    yield 3.0
    take("asset", area)
    area.ui_type = "VIEW_3D"
    yield 1.0


def show_random_people() -> Iterator[float]:
    bpy.data.batch_remove(list(bpy.data.objects))
    place = view()
    place["space_data"].shading.type = "SOLID"
    with bpy.context.temp_override(**place):
        for seed in range(1, 6):
            bpy.ops.effigy.add_head(person="RANDOM", seed=seed)
        bpy.ops.object.select_all(action="DESELECT")
        bpy.ops.view3d.view_axis(type="FRONT")
    yield 2.0
    with bpy.context.temp_override(**place):
        bpy.ops.view3d.view_all()
    yield 2.0
    take("random", place["area"])


_running = steps()


def tick() -> float | None:
    """For Blender's timer, which gives windows time to be drawn between two steps."""
    try:
        return next(_running)
    except StopIteration:
        (FOLDER / "shots.json").write_text(json.dumps(shots))
    except Exception:  # noqa: BLE001 - Blender must end, whatever it is, and says nothing itself
        traceback.print_exc()
    bpy.ops.wm.quit_blender()
    return None


bpy.context.preferences.view.show_splash = False  # before the first window is drawn
bpy.app.timers.register(tick, first_interval=2.0, persistent=True)
