# `make demo` and `make test` need Python 3.7+ and make; each makes its own virtual environment.
PYTHON ?= python3
# Installing again is due when one of these changes. The demo is not an editable install.
RECIPE := setup.py pyproject.toml Makefile prefect1_rsync/_version.py
SOURCES := $(shell find prefect1_rsync -name '*.py')

.PHONY: demo test lint types matrix clean

demo: .venv-demo/.stamp
	.venv-demo/bin/prefect1-rsync demo

test: .venv-test/.stamp
	.venv-test/bin/coverage erase
	.venv-test/bin/coverage run -m pytest $(PYTEST_ARGS)
	.venv-test/bin/coverage combine --quiet
	.venv-test/bin/coverage report

lint: .venv-lint/.stamp
	.venv-lint/bin/ruff check .

types: .venv-lint/.stamp
	.venv-lint/bin/mypy prefect1_rsync

matrix: .venv-matrix/.stamp
	.venv-matrix/bin/nox --session matrix

.venv-demo/.stamp: $(RECIPE) $(SOURCES)
	$(call install,.venv-demo,".[cli]")

.venv-test/.stamp: $(RECIPE)
	$(call install,.venv-test,--editable ".[test]")

.venv-lint/.stamp: $(RECIPE)
	$(call install,.venv-lint,--editable ".[cli,lint]")

# nox alone, not the package: each session installs that for itself.
.venv-matrix/.stamp: $(RECIPE)
	$(call install,.venv-matrix,nox)

# A new pip first: the one that a venv is born with may be years old.
define install
	test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
	$(1)/bin/python -m pip install --quiet --upgrade pip
	$(1)/bin/python -m pip install --quiet $(2)
	@touch $@
endef

clean:
	rm -rf .venv-* .nox .coverage* build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
