# make demo | make test | make extension. Needs Python 3.11 (bpy's wheel has no other).
PYTHON ?= $(shell command -v python3.11 || command -v python3 || command -v python)
VENV := .venv
ifeq ($(OS),Windows_NT)
PY := $(VENV)/Scripts/python.exe
else
PY := $(VENV)/bin/python
endif
READY := $(VENV)/.ready
# Everything runs from what is installed: no library may look for newer weights on its own.
export HF_HUB_OFFLINE := 1

.PHONY: demo test lint types test-core test-model test-blender test-e2e extension docs clean

demo: $(READY)
	$(PY) examples/demo.py

test: lint types test-core test-model test-blender test-e2e

lint: $(READY)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: $(READY)
	$(PY) -m mypy

test-core: $(READY)
	$(PY) -m pytest tests/core

test-model: $(READY)
	$(PY) -m pytest tests/model

# Blender keeps one global state per process, so its tests have a process of their own.
test-blender: $(READY)
	$(PY) -m pytest tests/blender

test-e2e: $(READY)
	$(PY) -m pytest tests/e2e

extension: $(READY)
	$(PY) .ci/build_extension.py

$(READY): .ci/requirements.txt operators/engine/requirements.txt
	$(PYTHON) -c "import sys; sys.exit(sys.version_info[:2] != (3, 11) and 'Effigy needs Python 3.11 for its tests and demo: make PYTHON=/path/to/python3.11')"
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -r .ci/requirements.txt
	$(PY) -c "import pathlib; pathlib.Path('$(READY)').touch()"

clean:
	rm -rf out build dist .pytest_cache .mypy_cache .ruff_cache
