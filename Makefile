# make help lists what there is. Needs Python 3.11 or 3.13: bpy's wheels have no other.
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

.PHONY: help demo test lint types test-core test-model test-blender test-e2e extension docs
.PHONY: wheel release validators lock ready clean
.DEFAULT_GOAL := demo

help: ## what there is to make
	@"$(PYTHON)" .ci/make_help.py Makefile

demo: ready ## one portrait, from photo to out/astronaut/head.blend
	$(PY) examples/demo.py

test: lint types test-core test-model test-blender test-e2e ## everything below that checks something

lint: ready ## ruff: rules and format
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: ready ## mypy on ml/
	$(PY) -m mypy

test-core: ready ## tests without networks and without Blender
	$(PY) -m pytest tests/core

test-model: ready ## networks, training steps, photos through the whole pipeline
	$(PY) -m pytest tests/model

# Blender keeps one global state per process, so its tests have a process of their own.
test-blender: ready ## the extension inside Blender as a Python module
	$(PY) -m pytest tests/blender

test-e2e: ready ## the zip and the wheel, built, installed and used
	$(PY) -m pytest tests/e2e

# With the manual in it, where its packages can be had.
extension: ready ## dist/effigy-VERSION.zip for Blender
	@$(PY) .ci/docs.py || echo "The extension gets no manual: see above"
	$(PY) .ci/build_extension.py

docs: ## the manual, manual/index.html
	"$(PYTHON)" .ci/docs.py

wheel: ready ## dist/effigy_ml-VERSION-py3-none-any.whl: the core without Blender
	$(PY) -m pip wheel . --no-deps --no-build-isolation --quiet --wheel-dir dist

release: ready ## dist/: the zip checked by Blender's validators, an extension repository, the site
	$(PY) .ci/release.py

validators: ready ## fetch the validators of all supported Blenders, for make release (1.3 GB, once)
	$(PY) .ci/release.py --fetch-validators

lock: ready ## write the hashes of all packages into the engine's lists
	$(PY) .ci/lock.py

# The environment; nothing happens where it is complete, or where it is a link to another one.
ready: ## .venv, with everything that the others need
	@"$(PYTHON)" .ci/install.py "$(VENV)"

clean: ## remove what was made, but not .venv
	rm -rf out build dist manual .pytest_cache .mypy_cache .ruff_cache
