"""Load generator, and limits of the machine; `make bench` prints a table."""
