"""A newer zip, installed over an older one, keeps preferences, results and engine."""

import os
import re
import zipfile
from pathlib import Path

import pytest

from ml.version import effigy_version
from tests.support.synthetic_head import write_synthetic

OLDER = "0.0.9"


@pytest.fixture
def older_zip(extension_zip, tmp_path):
    """The same extension with a lower version."""
    path = tmp_path / f"effigy-{OLDER}.zip"
    with zipfile.ZipFile(extension_zip) as built, zipfile.ZipFile(path, "w") as older:
        for name in built.namelist():
            data = built.read(name)
            if name == "blender_manifest.toml":
                text = data.decode("utf-8")
                text, count = re.subn(r'^version = ".+"$', f'version = "{OLDER}"', text, flags=re.M)
                assert count == 1
                data = text.encode("utf-8")
            older.writestr(name, data)
    return path


def make_engine(folder: Path) -> Path:
    """What Install engine leaves in ``folder``, as far as finding it goes."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    python.parent.mkdir(parents=True)
    python.write_text("engine", encoding="utf-8")
    (folder / "effigy-engine.txt").write_text("complete\n", encoding="utf-8")
    return python


def test_an_upgrade_keeps_preferences_results_and_engine(run_installed, older_zip, tmp_path):
    results = tmp_path / "results"
    write_synthetic(results / "Ada")
    engine = Path(run_installed("before_upgrade.py", results, zip=older_zip))
    python = make_engine(engine)
    found = run_installed("after_upgrade.py", results / "Ada")
    assert found == {
        "version": effigy_version(),
        "results_folder": str(results),
        "keep_engine_ready": False,
        "engine": str(python),
        "source": "made by Install engine",
        "head": "Ada",
    }
    assert python.read_text(encoding="utf-8") == "engine"
