# The main commands are `make run` and `make test`. Both create .venv.
.DEFAULT_GOAL := run
.PHONY: run test test-without-redis check authority chaos bench docs lock

new_enough := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for name in python3 python3.12 python3.11 python3.13 python3.14; do \
	$$name -c '$(new_enough)' 2>/dev/null && echo $$name && break; done)
ifeq ($(strip $(PYTHON)),)
$(error Python 3.11 or newer is needed and was not found on PATH)
endif

BIN := .venv/bin
RUN_LOCKS := requirements.txt requirements/local.txt
DEV_LOCKS := $(RUN_LOCKS) requirements/dev.txt

# The name of a stamp contains the Python version and a digest of the lock files. When either changes,
# the stamp is missing and the packages are installed again.
version := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
digest = $(shell (echo $(version); cat $(1)) | cksum | cut -d' ' -f1)
RUN_STAMP := .venv/.run-$(call digest,$(RUN_LOCKS))
DEV_STAMP := .venv/.dev-$(call digest,$(DEV_LOCKS))

# Without ensurepip, as in Debian's Python, the system's pip installs into the environment.
define install
@.venv/bin/python -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "$(version)")' 2>/dev/null \
	|| $(PYTHON) -m venv --clear .venv >/dev/null 2>&1 || $(PYTHON) -m venv --clear --without-pip .venv
@if $(BIN)/python -m pip --version >/dev/null 2>&1; then pip="$(BIN)/python -m pip"; \
	else pip="$(PYTHON) -m pip --python $(BIN)/python"; fi; \
	echo "installing $(1)"; \
	$$pip install --quiet --disable-pip-version-check --require-hashes $(addprefix -r ,$(1))
@rm -f $(firstword $(subst -, ,$@))-*
@touch $@
endef

$(RUN_STAMP):
	$(call install,$(RUN_LOCKS))

$(DEV_STAMP):
	$(call install,$(DEV_LOCKS))

run: $(RUN_STAMP)
	@$(BIN)/python -m messenger.local run --end-with-parent

# make test ARGS="tests/chats -k seq"; two processes, each with separate databases.
test: $(DEV_STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

# All tests with Redis refused: everything except features made of Redis works without it.
test-without-redis: $(DEV_STAMP)
	TEST_REDIS_URL=redis://127.0.0.1:1/0 $(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

# Faults under load; takes minutes.
chaos: $(DEV_STAMP)
	$(BIN)/python -m pytest -m chaos -s $(ARGS)

# Who may do what: the table by every entry point, and without each condition of a policy once.
authority: $(DEV_STAMP)
	$(BIN)/python -m pytest tests/authority -v -s $(ARGS)

# Figures of this machine; make bench ARGS=--quick takes less time.
bench: $(DEV_STAMP)
	$(BIN)/python -m bench $(ARGS)

check: $(DEV_STAMP)
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports
	$(BIN)/python -m messenger.local exec -- $(BIN)/python manage.py check --fail-level WARNING
	$(BIN)/python -m messenger.local exec -- $(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m messenger.local exec -- $(BIN)/python manage.py lintmigrations --settings messenger.settings.check \
		--quiet ok ignore

# docs/protocol.md, docs/asyncapi.json and docs/events, from the frames and the events as classes.
docs: $(RUN_STAMP)
	@$(BIN)/python -m messenger.gateway.docs

# Resolve requirements/*.in; pinned versions stay unless UPGRADE=--upgrade.
lock: $(DEV_STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/python -m uv pip compile $(LOCKING) -o requirements.txt requirements/base.in
	$(BIN)/python -m uv pip compile $(LOCKING) -o requirements/local.txt requirements/local.in
	$(BIN)/python -m uv pip compile $(LOCKING) -o requirements/dev.txt requirements/dev.in

LOCKING = --quiet --universal --python-version 3.11 --generate-hashes --no-header $(UPGRADE)
