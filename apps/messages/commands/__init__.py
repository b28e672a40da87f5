"""Doors that take one command after the other: the socket, and topics of the broker."""
