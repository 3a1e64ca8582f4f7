# The commands of the project; `make help` lists them.

VENV ?= .venv
JOBS ?= auto
ARGS ?=

BIN := $(VENV)/bin
SHARED_OUT := -n $(JOBS) --dist worksteal --durations=20
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check
DECLARED := setup.cfg setup.py pyproject.toml

# An environment counts only if it works here: it may have been made by a Python that is gone or
# too old, or in another folder, whose path is in all its commands.
USABLE := import os, pip, sys; \
	made = sys.argv[1] + "/made-in"; \
	moved = os.path.exists(made) and open(made).read().strip() != os.getcwd(); \
	moved = moved and not os.path.islink(sys.argv[1]); \
	sys.exit(moved or sys.version_info < (3, 11) or not os.path.samefile(sys.prefix, sys.argv[1]))
IS_USABLE := $(BIN)/python -c '$(USABLE)' $(VENV) 2>/dev/null
ifneq ($(shell $(IS_USABLE) && echo yes),yes)
$(shell rm -f $(VENV)/installed-for-*)
endif

# The first of these that is new enough.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(firstword $(foreach name,python3 python3.11 python3.12 python3.13 python3.14,\
	$(shell $(name) -c '$(NEW_ENOUGH)' 2>/dev/null && echo $(name))))

# Tests start many processes: each would compile all modules anew where this is set, as in many
# images for containers.
test test-all test-browser cover fuzz: export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help run test test-all test-browser chromium espeak-ng sipp asterisk check format lint types contracts schemas cover fuzz bench docs clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/installed-for-run ## Start the server; options as ARGS="--port 9000"
	@$(BIN)/python -m crossbar serve $(ARGS)

test: $(VENV)/installed-for-test ## Run the tests in JOBS processes; a choice of them as ARGS="tests/core -x"
	@$(BIN)/python -m pytest $(SHARED_OUT) $(ARGS)

test-all: $(VENV)/installed-for-test ## Run all tests, those that take long too, on every store
	@$(BIN)/python -m pytest $(SHARED_OUT) --stores=all $(ARGS)

test-browser: $(VENV)/installed-for-test chromium ## Test the web console in Chromium, which is installed if need be
	@CROSSBAR_TEST_BROWSER_REQUIRED=1 $(BIN)/python -m pytest $(SHARED_OUT) tests/browser $(ARGS)

chromium: ## Install the browser that the console is tested in, on Debian
	@command -v chromium-headless-shell > /dev/null || { echo "Installing Chromium ..."; apt-get -qq update; \
		apt-get -qq install -y --no-install-recommends chromium-headless-shell fonts-dejavu-core > /dev/null || \
		command -v chromium > /dev/null || \
		apt-get -qq install -y --no-install-recommends chromium fonts-dejavu-core > /dev/null; }

espeak-ng: ## Install the program that speaks text, on Debian
	@command -v espeak-ng > /dev/null || { echo "Installing eSpeak NG ..."; apt-get -qq update && \
		apt-get -qq install -y --no-install-recommends espeak-ng > /dev/null; }

sipp: ## Install SIPp, which tests load the switch with, on Debian
	@command -v sipp > /dev/null || { echo "Installing SIPp ..."; apt-get -qq update && \
		apt-get -qq install -y --no-install-recommends sip-tester > /dev/null; }

asterisk: $(VENV)/installed-for-run ## Get the switch that tests call with, on Debian
	@CROSSBAR_SWITCH__FOLDER=build/switch $(BIN)/python -m crossbar switch --only-fetch

check: format lint types contracts schemas cover ## Everything that has to hold before a merge

format: $(VENV)/installed-for-check ## Check how the code is laid out
	@$(BIN)/ruff format --quiet --diff .

lint: $(VENV)/installed-for-check ## Look for mistakes in the code
	@$(BIN)/ruff check --quiet .

types: $(VENV)/installed-for-check ## Check types
	@$(BIN)/mypy --no-error-summary

contracts: $(VENV)/installed-for-check ## Check which module imports which
	@$(BIN)/lint-imports --no-logo --config setup.cfg

schemas: $(VENV)/installed-for-check ## Check the JSON Schemas
	@$(BIN)/python -c 'import sys; from crossbar.validation import Schemas; sys.exit("\n".join(Schemas().check()) or 0)'

cover: $(VENV)/installed-for-check ## Run all tests on every store and check how much of the code they reach
	@$(BIN)/python -m tests.coverage_gate $(SHARED_OUT) --stores=all $(ARGS)

fuzz: $(VENV)/installed-for-test ## Ask the server whatever its documents allow; more as ARGS="v2 -n 500"
	@$(BIN)/python -m tests.fuzz $(ARGS)

bench: $(VENV)/installed-for-test ## Measure how fast the server is
	@$(BIN)/python -m tests.bench $(ARGS)

docs: $(VENV)/installed-for-run ## Write the pages that are made from the code
	@$(BIN)/python -c 'import pathlib; \
		from crossbar.reference import callflow_pages, error_pages, family_pages; \
		from crossbar.reference import notification_pages, power_pages, settings_pages; \
		made = (callflow_pages, error_pages, family_pages, notification_pages, power_pages, \
			settings_pages); \
		[pages.write(pathlib.Path()) for pages in made]'

clean: ## Remove what these commands have made; the data in var/ stays
	@rm -rf $(VENV) build dist *.egg-info .coverage .coverage.* htmlcov
	@rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks
	@find crossbar schemas tests -name __pycache__ -type d -prune -exec rm -rf {} +

EXTRAS_OF_run :=
EXTRAS_OF_test := [test]
EXTRAS_OF_check := [test,dev]

# An environment that is only linked to is somebody else's: it is used as it is.
$(VENV)/installed-for-%: $(DECLARED)
	@if test -L $(VENV); then exit 0; fi; set -e; \
	test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: no python3 here is" >&2; exit 1; }; \
	$(IS_USABLE) || $(PYTHON) -m venv --clear $(VENV); \
	echo "Installing into $(VENV) what is needed to $* ..."; \
	$(PIP) install --editable '.$(EXTRAS_OF_$*)'; \
	pwd > $(VENV)/made-in; \
	touch $@
