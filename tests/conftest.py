"""For all tests: helpers on the path, and a clean way out of a process that holds Blender."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))


def pytest_sessionfinish(session, exitstatus):
    session.config.stash[_STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    # As long as any class of ours is registered, bpy 4.5 never returns from the interpreter's
    # own exit and bpy 4.2 crashes in it, after all tests have passed. So leave before it.
    if "bpy" in sys.modules or hasattr(config, "workerinput"):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash.get(_STATUS, 0))


_STATUS = pytest.StashKey[int]()
