# reportgen: every target works from a fresh checkout; `make` alone lists them.
# Written for GNU make 3.81 and later, which is what macOS has.

PYTHON ?= python3
EXAMPLE = examples/facing_left
MODEL  ?= $(EXAMPLE)/facing_left.keras
ARGS   ?=
UNDER  ?= atlas
OUT    ?= reference
PORT   ?= 8000
# The example comes with its settings; another model takes reportgen.toml, if there is one here.
CONFIG ?= $(if $(filter-out $(EXAMPLE)/facing_left.keras,$(MODEL)),,$(EXAMPLE)/reportgen.toml)
# What renders. On a machine with an NVIDIA card: EXTRAS=jax-cuda,onnx,export and KERAS_BACKEND=jax,
# or EXTRAS=cuda,onnx,export
EXTRAS ?= tensorflow,onnx,export

BIN   := .venv/bin
comma := ,
READY := .venv/.ready-$(subst $(comma),-,$(EXTRAS))

# $(call quoted,TEXT): TEXT as one shell word, spaces and quotes included.
quoted = '$(subst ','\'',$(1))'

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help atlas explore versions prune test check docs notebooks gate bench bench-peers verdicts serve clean distclean

help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

atlas: $(READY) ## write an atlas of MODEL=path into site/ (ARGS="--units 8" for more options)
	@$(BIN)/reportgen atlas $(call quoted,$(MODEL)) $(if $(CONFIG),--config $(call quoted,$(CONFIG))) $(ARGS)

STORE ?= reportgen.db
explore: $(READY)-explorer ## the explorer of a store and MODEL=path, at http://127.0.0.1:8050/ (STORE=other.db)
	@test -f $(call quoted,$(STORE)) || { \
	  $(BIN)/reportgen render $(call quoted,$(MODEL)) --store $(call quoted,$(STORE)) $(if $(CONFIG),--config $(call quoted,$(CONFIG))) \
	  && $(BIN)/reportgen score --store $(call quoted,$(STORE)); }
	@$(BIN)/reportgen explore $(call quoted,$(MODEL)) --store $(call quoted,$(STORE)) $(ARGS)

VERSIONS = $(BIN)/reportgen render --config $(EXAMPLE)/reportgen.toml --store versions.db $(ARGS)
versions: $(READY) ## the example with fewer and with more filters, compared: versions.db and site/
	@$(VERSIONS) $(EXAMPLE)/fewer/facing_left.keras --version fewer
	@$(VERSIONS) $(EXAMPLE)/facing_left.keras --version v1
	@$(VERSIONS) $(EXAMPLE)/more/facing_left.keras --version more
	@$(BIN)/reportgen score --store versions.db
	@$(BIN)/reportgen compare versions.db
	@$(BIN)/reportgen site --store versions.db --config $(EXAMPLE)/reportgen.toml

PICTURES = $(if $(DATA),--data $(call quoted,$(DATA)),--from-packages)
prune: $(READY) ## a smaller example network, measured anew on the faces of its package (DATA=folder for your copy)
	@$(BIN)/python $(EXAMPLE)/prune.py $(PICTURES) $(ARGS)

test: $(READY)-dev ## run the tests (ARGS="-m slow" for the long ones, which CI runs too)
	@$(BIN)/python -m pytest $(ARGS)

check: $(READY)-dev ## lint, format, types, layers and workflows; not the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@lint="$$(PATH="$(BIN):$$PATH" command -v actionlint)" || { \
	  echo "workflows are not checked: there is no actionlint (pip install -c constraints.txt '.[workflows]')" >&2; exit 0; }; \
	echo "$$lint" && "$$lint"

docs: $(READY)-docs ## the Python interface and all documents as HTML, in reference/ (OUT=folder)
	@$(BIN)/python docs/reference.py $(call quoted,$(OUT))
	@$(BIN)/python docs/pages.py $(call quoted,$(OUT)/guide)

NOTEBOOKS ?= notebooks
GUIDE     ?=
notebooks: $(READY)-notebooks ## run the notebooks of examples/ and write them as pages, in notebooks/ (NOTEBOOKS=folder)
	@$(BIN)/python docs/notebooks.py $(call quoted,$(NOTEBOOKS)) $(if $(GUIDE),--guide $(call quoted,$(GUIDE)))

GATE = $(BIN)/reportgen render --store .gate.db --units 2 --seeds 2 --signs happy --set steps=32 --set show.steps=32
gate: $(READY) ## the example's ONNX export against its Keras file, by the rules of a gate; some units
	@rm -f .gate.db .gate.db-wal .gate.db-shm .gate.db.lock
	@$(GATE) $(EXAMPLE)/facing_left.keras --version keras
	@$(GATE) $(EXAMPLE)/facing_left.onnx --version onnx
	@$(BIN)/reportgen score --store .gate.db
	@$(BIN)/reportgen gate .gate.db@onnx --against keras --rule "changed <= 0" --rule "moved <= 0" \
	  --rule "failed <= 0"

bench: $(READY) ## run the measurements in benchmarks/ (ARGS="w1" for some)
	@test -f benchmarks/run.py || { echo "there is no benchmarks/run.py in this checkout" >&2; exit 2; }
	@$(BIN)/python -m benchmarks.run $(ARGS)

verdicts: $(READY) ## verdicts against the truth on planted networks (ARGS="--held-out" for seeds kept aside)
	@$(BIN)/python -m benchmarks.verdicts $(ARGS)

bench-peers: .venv-peers/.ready ## install the tools that bench compares with, apart (Python 3.11)

serve: ## show site/ as Pages would, at http://127.0.0.1:8000/atlas/ (UNDER=other PORT=8001)
	@test -f site/index.html || { echo "site/ is empty; run: make atlas" >&2; exit 2; }
	@$(PYTHON) reportgen/atlas/serve.py site --under $(call quoted,$(UNDER)) --port $(PORT)

clean: ## remove the site, builds and caches (keeps the store and .venv)
	@if test -d site; then find site -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +; fi
	@rm -rf build dist reference notebooks .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis test-results
	@find . -path ./.venv -prune -o -type d -name __pycache__ -exec rm -rf {} +

distclean: clean ## also remove .venv, .venv-peers and reportgen.db, with every picture in it
	@rm -rf .venv .venv-peers reportgen.db reportgen.db-wal reportgen.db-shm reportgen.db.lock

# A stamp is touched last, so an interrupted step leaves none and is simply done again.

# xplique comes without what it asks for: a plain install of it brings gigabytes of CUDA libraries.
PEERS_PYTHON ?= python3.11
.venv-peers/.ready:
	@command -v $(call quoted,$(PEERS_PYTHON)) >/dev/null || { \
	  echo "the tools to compare with need Python 3.11 (name it with PEERS_PYTHON=...)" >&2; exit 2; }
	@echo "installing xplique and tf-keras-vis into .venv-peers (once; some minutes)"
	@$(call quoted,$(PEERS_PYTHON)) -m venv .venv-peers
	@.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check 'tensorflow==2.21.*' 'tf-keras-vis==0.8.7'
	@.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --no-deps 'xplique==2.0.2' \
	  'tensorflow-probability<=0.25.0' decorator cloudpickle dm-tree tf_keras
	@.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check deprecated einops matplotlib \
	  opencv-python-headless 'scikit-image<=0.25.2' 'scikit-learn<=1.7.2' 'scipy<=1.15.3'
	@touch $@

.venv/.made:
	@command -v $(call quoted,$(PYTHON)) >/dev/null || { \
	  echo "there is no $(PYTHON) here; reportgen needs Python 3.11, 3.12 or 3.13 (name one with PYTHON=...)" >&2; exit 2; }
	@$(call quoted,$(PYTHON)) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "$(PYTHON) is $$($(call quoted,$(PYTHON)) --version 2>&1); reportgen needs 3.11, 3.12 or 3.13 (try PYTHON=python3.12)" >&2; exit 2; }
	@$(call quoted,$(PYTHON)) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 2; }
	@$(call quoted,$(PYTHON)) -m venv .venv
	@touch $@

$(READY): .venv/.made pyproject.toml constraints.txt
	@echo "installing reportgen[$(EXTRAS)] into .venv (once; some minutes)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

$(READY)-explorer: $(READY)
	@echo "installing what the explorer needs into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS),explorer]'
	@touch $@

$(READY)-notebooks: $(READY)
	@echo "installing what the notebooks need into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS),notebooks]'
	@touch $@

$(READY)-docs: $(READY)
	@echo "installing what the reference needs into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS),docs]'
	@touch $@

$(READY)-dev: $(READY)
	@echo "installing what the tests need into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS),dev]'
	@touch $@
