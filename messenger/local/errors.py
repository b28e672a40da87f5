"""What can go wrong in a way the person at the keyboard can mend."""


class LocalError(Exception):
    """A start that cannot go on; the text says why and what to change, and is all that is shown."""
