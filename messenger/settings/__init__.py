"""Settings: `dev` for `make run`, `test`, `check` for `make check`, and `prod`."""
