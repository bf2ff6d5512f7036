# What to type.  Everything it makes stays in .venv/, var/ and build/.

PYTHON ?= python3
VENV := .venv/bin
# With nothing of a real service in the environment it runs as a demo.
DEMO := $(if $(SECRET_KEY)$(DATABASE_URL)$(POSTERN_DEMO),,POSTERN_DEMO=1)
COMPILE := $(VENV)/uv pip compile --python-version 3.11 --universal --generate-hashes \
	--no-emit-index-url --no-header -q $(if $(UPGRADE),--upgrade)

.PHONY: help run test check bench lock
.DELETE_ON_ERROR:

help:
	@echo "make run     the whole service, here: as a demo, or for real with SECRET_KEY set"
	@echo "make test    every test, on SQLite, on PostgreSQL and in a browser (ARGS=\"tests/mailroom -x\")"
	@echo "make check   style, types, floors, templates, migrations, settings, documents"
	@echo "make bench   how fast it is, as ratios"
	@echo "make lock    write requirements/ again from pyproject.toml (UPGRADE=1: the newest versions)"

run: .venv/.base
	@exec env $(DEMO) $(VENV)/python -m escalation.serve

test: .venv/.test
	@bin/test $(ARGS)

check: export POSTERN_DEMO := 1
check: .venv/.dev
	$(VENV)/ruff format --check .
	$(VENV)/ruff check .
	$(VENV)/mypy
	$(VENV)/lint-imports
	$(VENV)/djade --check $$(git ls-files '*.html' 'templates/*.txt')
	$(VENV)/python manage.py makemigrations --check --dry-run
	$(VENV)/python manage.py docs --check
	$(VENV)/python manage.py translations --check
	bin/check-production

bench: .venv/.test
	@bench/run

lock: .venv/.uv
	$(COMPILE) --group setup -o requirements/setup.txt
	$(COMPILE) pyproject.toml -o requirements/base.txt
	$(COMPILE) pyproject.toml --group test -o requirements/test.txt
	$(COMPILE) pyproject.toml --group test --group dev -o requirements/dev.txt

# Set-up: a stamp for each set of requirements, so that it happens once.

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Postern needs Python 3.11 or newer: make PYTHON=python3.11 run"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "Python's venv is missing. On Debian: apt-get install python3-venv"; exit 1; }
	@$(PYTHON) -m venv .venv
	@touch $@

# uv installs in seconds what pip needs a minute for; where it has no wheel, pip does the same.
.venv/.uv: .venv/.made requirements/setup.txt
	@$(VENV)/pip install -q --disable-pip-version-check --require-hashes -r requirements/setup.txt \
		|| echo "uv is not to be had here; going on with pip, which is slower."
	@touch $@

.venv/.%: requirements/%.txt .venv/.uv
	@echo "Installing $<"
	@if [ -x $(VENV)/uv ]; then \
		UV_LINK_MODE=copy $(VENV)/uv pip install -q --python $(VENV)/python --require-hashes -r $<; \
	else \
		$(VENV)/pip install -q --disable-pip-version-check --require-hashes -r $<; \
	fi
	@touch $@
