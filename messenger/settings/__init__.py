"""Settings: `dev` for the laptop, `test` for the suite, `prod` for everything that faces people."""
