# `make demo` and `make test` need Python 3.7+ and make; each makes its own virtual environment.
PYTHON ?= python3
# When one of these changes, installing again is due.
RECIPE := setup.py pyproject.toml Makefile prefect1_rsync/_version.py
SOURCES := $(shell find prefect1_rsync -name '*.py')

.PHONY: demo test lint types matrix torture mutants clean

demo: .venv-demo/.stamp
	.venv-demo/bin/prefect1-rsync demo

# Commands and worker processes that the tests start are measured too, wherever they run: by these
# two variables and the .pth file (coverage's own `patch = subprocess` needs Python 3.9).
test: export COVERAGE_PROCESS_START := $(CURDIR)/pyproject.toml
test: export COVERAGE_FILE := $(CURDIR)/.coverage
test: .venv-test/.stamp
	@for folder in .venv-test/lib/python*/site-packages; do \
		echo 'import coverage; coverage.process_startup()' > "$$folder/measured.pth"; done
	.venv-test/bin/coverage erase
	.venv-test/bin/coverage run -m pytest $(PYTEST_ARGS)
	.venv-test/bin/coverage combine --quiet
	.venv-test/bin/coverage report

lint: .venv-lint/.stamp
	.venv-lint/bin/ruff check .

types: .venv-lint/.stamp
	.venv-lint/bin/mypy --strict prefect1_rsync

matrix: .venv-matrix/.stamp
	.venv-matrix/bin/nox --session matrix

# Not in CI. Ten thousand examples of the property test, with its figures, then twenty flow runs
# whose workers are killed, and a table of who gets to cancel.
torture: .venv-test/.stamp
	TORTURE_EXAMPLES=10000 .venv-test/bin/python -m pytest -q -s tests/torture/test_torture.py
	.venv-test/bin/python -m tests.torture.kills 10
	.venv-test/bin/python -m tests.torture.kills stops

# Not in CI: changes the engine and the vendors in every small way, and looks which test minds.
mutants: .venv-mutants/.stamp
	.venv-mutants/bin/mutmut run
	.venv-mutants/bin/mutmut results

# What goes into each environment. The demo is installed as a user installs it, hence anew with
# every changed source; nox's own environment needs no package, each session installs it for itself.
.venv-demo/.stamp: install := ".[cli]"
.venv-demo/.stamp: $(SOURCES)
.venv-test/.stamp: install := --editable ".[test]"
.venv-lint/.stamp: install := --editable ".[cli,lint,test]"
.venv-matrix/.stamp: install := nox
.venv-mutants/.stamp: install := --editable ".[test]" mutmut

# A new pip first: the one that a venv is born with may be years old.
.venv-%/.stamp: $(RECIPE)
	test -x .venv-$*/bin/python || $(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install -qq --upgrade pip
	.venv-$*/bin/python -m pip install -qq $(install)
	@touch $@

clean:
	rm -rf .venv-* .nox .coverage* build *.egg-info .*_cache .hypothesis dask-worker-space
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
