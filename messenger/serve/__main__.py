"""`python -m messenger.serve`."""

from messenger.serve import main

main()
