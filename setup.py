"""The core as a wheel, without Blender: ml/ becomes the package effigy_ml. See pyproject.toml.

The version is the manifest's, which goes into the package. What training and evaluation need stays
in the repository, as it does for Blender's extension.
"""

import shutil
import tomllib
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
MANIFEST = ROOT / "blender_manifest.toml"
PACKAGE = "effigy_ml"
# All that is made goes into build/, which the extension's zip leaves out.
BUILD = ROOT / "build"


class BuildWithManifest(build_py):
    def run(self) -> None:
        # What an earlier build left would go into the wheel.
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()
        if not self.editable_mode:
            shutil.copy2(MANIFEST, Path(self.build_lib) / PACKAGE)


found = find_packages("ml", exclude=["training*", "evaluation*"])
BUILD.mkdir(exist_ok=True)
setup(
    version=tomllib.loads(MANIFEST.read_text(encoding="utf-8"))["version"],
    packages=[PACKAGE, *(f"{PACKAGE}.{name}" for name in found)],
    package_dir={PACKAGE: "ml"},
    package_data={"": ["assets/*", "*.html"]},
    cmdclass={"build_py": BuildWithManifest},
    options={"egg_info": {"egg_base": "build"}, "build": {"build_base": "build/wheel"}},
)
