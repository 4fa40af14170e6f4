# Everything a contributor runs. Needs Python 3.11 or later and make; the rest is installed into .venv on the first call.

PYTHON ?= python3
PEERS ?= jax torch pytensor numba autograd casadi
VENV := .venv
PY := $(VENV)/bin/python

# The environment is ready when its last step wrote this folder's path into .ready and its Python still starts:
# one that was left half-made, lost its interpreter or was copied from elsewhere is made again.
READY := $(shell test "$$(cat $(VENV)/.ready 2>/dev/null)" = "$(CURDIR)" && $(PY) -m pip --version >/dev/null 2>&1 && echo yes)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test conformance oracle browser-ready browser-test lint docs-images docs-figures docs-gallery docs-lists golden bench clean FORCE

help:  ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r name text; do \
		printf '  make %-13s %s\n' "$$name" "$$text"; done

demo: $(VENV)/.installed-demo  ## run the demo
	$(VENV)/bin/graphad demo

test: $(VENV)/.installed-test  ## run all tests and doctests
	$(PY) -m pytest -n auto

conformance: $(VENV)/.installed-test  ## run the outside cases (CASES=folder: others of the same form)
	$(PY) -m pytest tests/conformance -n auto $(if $(CASES),--cases "$(CASES)")

oracle: $(VENV)/.installed-oracle  ## compare values and gradients with JAX
	$(PY) -m pytest tests/oracle -n auto

browser-ready: $(VENV)/.installed-browser
	@sh tests/browser/install.sh

browser-test: browser-ready  ## test pages and equations in a browser (installs what is missing)
	GRAPHAD_BROWSER_REQUIRED=1 $(PY) -m pytest tests/browser tests/symbolic/test_katex.py -n 2

lint: $(VENV)/.installed-dev  ## check style and types
	$(PY) -m ruff check .
	$(PY) -m mypy --strict graphad

docs-images: $(VENV)/.installed-demo  ## draw the images of the documentation
	$(PY) docs/images/make.py

docs-figures: $(VENV)/.installed-test  ## run the examples and keep their figures (minutes)
	$(PY) docs/images/make_figures.py

docs-gallery: $(VENV)/.installed-test  ## draw the gallery of operators (minutes)
	$(PY) docs/images/make_gallery.py

docs-lists: $(VENV)/.installed-demo  ## write the lists of functions and rules, the pages of the command line and of equations
	$(PY) docs/make_lists.py
	$(PY) docs/make_equations.py

golden: $(VENV)/.installed-test  ## accept today's generated code as the expected one
	$(PY) -m pytest tests/golden --update-golden

bench: $(VENV)/.installed-bench  ## measure, write docs/benchmarks.md (PEERS= for no other systems; BENCH=options)
	@for peer in $(PEERS); do \
		$(PY) -m pip install --quiet --disable-pip-version-check "$$peer" || echo "left out: $$peer"; done
	@mkdir -p build
	$(PY) -m benchmarks.run --page docs/benchmarks.md --json build/benchmarks.json $(BENCH)

clean:  ## remove the environment, caches and builds
	rm -rf $(VENV) tests/browser/node_modules build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.ready: $(if $(READY),,FORCE)
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	@echo "$(CURDIR)" > $@

$(VENV)/.installed-%: $(VENV)/.ready pyproject.toml
	$(PY) -m pip install --quiet --disable-pip-version-check --editable ".[$*]"
	@touch $@
