# From a fresh clone:  make run  (the main job)  and  make test  (everything, notebooks included).
# Another interpreter:  make run PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt
INSTALL := $(PIP) --build-constraint constraints.txt
NOTEBOOKS := $(patsubst notebooks/%.py,build/notebooks/%.ipynb,$(wildcard notebooks/*.py))

# One thread per process: the tests run side by side and their matrices are small.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

.PHONY: run test test-browser coverage mutation docs lint clean

run: $(VENV)/.installed-run
	@$(BIN)/qbat run --out qbat-results

test: $(NOTEBOOKS) $(VENV)/.installed-test
	@$(BIN)/python -m pytest -n 2 --dist loadfile --nbmake tests $(NOTEBOOKS)

test-browser: $(VENV)/.installed-test
	@$(BIN)/python -m pytest tests/browser/report_in_chromium.py

coverage: $(VENV)/.installed-test
	@$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report=term tests

# Hundreds of small faults, each in a copy under mutants/, and whether a test sees it.
mutation: $(VENV)/.installed-test $(VENV)/.installed-mutation
	@$(BIN)/mutmut run --max-children 2
	@$(BIN)/mutmut results

docs: $(VENV)/.installed-docs
	@$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --jobs 2 -d build/doctrees docs build/docs
	@echo "build/docs/index.html"

lint: $(VENV)/.installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy --strict qbat_circuits

clean:
	rm -rf $(VENV) build dist mutants qbat-results .mypy_cache .ruff_cache .pytest_cache .hypothesis

build/notebooks/%.ipynb: notebooks/%.py | $(VENV)/.installed-test
	@mkdir -p $(@D)
	@$(BIN)/jupytext --quiet --to ipynb --output $@ $<

# The environment. A stamp is renewed only where the declared dependencies changed.
$(VENV)/.ready: constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python >= 3.11 is needed, but '$(PYTHON)' was not found: name one with 'make PYTHON=/path/to/python3'." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python >= 3.11 is needed, but '$(PYTHON)' is $$($(PYTHON) -V 2>&1): name a newer one with 'make PYTHON=/path/to/python3'." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "'$(PYTHON)' lacks the venv module: install it (on Debian and Ubuntu the package python3-venv)." >&2; exit 1; }
	@echo "Installing into $(VENV) (a few minutes the first time) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --upgrade pip
	@touch $@

$(VENV)/.installed-run: $(VENV)/.ready pyproject.toml
	@$(INSTALL) --editable .
	@touch $@

$(VENV)/.installed-test $(VENV)/.installed-docs $(VENV)/.installed-mutation $(VENV)/.installed-dev: $(VENV)/.installed-%: $(VENV)/.installed-run
	@$(INSTALL) --group $*
	@touch $@
