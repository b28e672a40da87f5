"""Load generator and limits: `make bench` prints one table."""
