"""Errors of a local start that the person at the terminal can fix."""


class LocalError(Exception):
    """The start fails; the text, which is all that is shown, says why and what to change."""
