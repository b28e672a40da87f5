"""Every command of the socket: the apps' own, and those about the connection itself."""

from __future__ import annotations

from pydantic import Field, StrictInt

from apps.accounts.errors import InvalidToken, SessionEnded
from apps.accounts.selectors import identity_for_access_token
from apps.chats import commands as chats
from apps.messages.commands import socket as messages
from messenger.core.errors import InvalidInput
from messenger.core.permissions import Who
from messenger.core.shapes import Input
from messenger.core.socket import Command, OnConnection, commands_by_name
from messenger.gateway.connection import Connection
from messenger.gateway.threads import in_thread


class PongInput(Input):
    """The answer to the `ping` with the same number."""

    n: StrictInt = Field(description="The ping's number.")


class AuthenticateInput(Input):
    """A fresh access token of the same login session."""

    token: str = Field(description="The access token.")


async def pong(connection: Connection, data: PongInput) -> None:
    """`pong`."""
    connection.pong(data.n)


async def authenticate(connection: Connection, data: AuthenticateInput) -> None:
    """`authenticate`. Raises `InvalidInput` for another session's token, `InvalidToken`."""
    identity = await in_thread(identity_for_access_token, data.token)
    if identity.session_id != connection.session_id:
        raise InvalidInput("The token belongs to another login session.")
    connection.expires_at, connection.warned = identity.expires_at, False


ABOUT_THE_CONNECTION = (
    Command(
        name="pong",
        shape=PongInput,
        mode=OnConnection(pong),
        who=Who.USER,
        summary="The answer to a `ping`: everything sent before it has arrived. Not answered; an"
        " unknown number is ignored.",
        example={"n": 3},
    ),
    Command(
        name="authenticate",
        shape=AuthenticateInput,
        mode=OnConnection(authenticate),
        who=Who.USER,
        summary="Prolong the connection with a fresh access token of the same login session."
        " Success is not answered; after an `error` the old token's expiry still applies.",
        example={"token": "eyJhbGciOi…"},
        errors=(InvalidToken, SessionEnded),
    ),
)

COMMANDS: dict[str, Command] = commands_by_name(
    messages.COMMANDS, chats.COMMANDS, ABOUT_THE_CONNECTION
)
