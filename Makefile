# make demo | make test | make extension | make docs. Needs Python 3.11 (bpy's wheel has no other).
# Every path is in quotes: folders may be called anything.
PYTHON ?= $(shell command -v python3.11 || command -v python3 || command -v python || echo python3.11)
VENV ?= .venv
ifeq ($(OS),Windows_NT)
PY := "$(VENV)/Scripts/python.exe"
else
PY := "$(VENV)/bin/python"
endif
# Everything runs from what is installed: no library may look for newer weights on its own.
export HF_HUB_OFFLINE := 1

.PHONY: demo test lint types test-core test-model test-blender test-e2e extension docs ready clean

demo: ready
	$(PY) examples/demo.py

test: lint types test-core test-model test-blender test-e2e

lint: ready
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: ready
	$(PY) -m mypy

test-core: ready
	$(PY) -m pytest tests/core

test-model: ready
	$(PY) -m pytest tests/model

# Blender keeps one global state per process, so its tests have a process of their own.
test-blender: ready
	$(PY) -m pytest tests/blender

test-e2e: ready
	$(PY) -m pytest tests/e2e

# With the manual in it, where its packages can be had.
extension: ready
	@$(PY) .ci/docs.py || echo "The extension gets no manual: see above"
	$(PY) .ci/build_extension.py

docs:
	"$(PYTHON)" .ci/docs.py

# The environment; nothing happens where it is complete, or where it is a link to another one.
ready:
	@"$(PYTHON)" .ci/install.py "$(VENV)"

clean:
	rm -rf out build dist manual .pytest_cache .mypy_cache .ruff_cache
