"""The protocol's page in prose; its numbers come from the settings and the classes."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from apps.messages.selectors.replay import IN_ALL, PER_CHAT
from messenger.core import presence
from messenger.core.json import MAX_DEPTH
from messenger.gateway import auth, connection, dispatch, healing
from messenger.gateway.docs.schemas import definitions

KIB = 1024

OPENING = """\
# The WebSocket protocol

<!-- Made by `make docs` from messenger/gateway; changes here are overwritten. -->

One endpoint, `/ws` (or `/ws/`), for browsers and for native clients. Frames are JSON texts, one
object each; `type` says which. [asyncapi.json](asyncapi.json) says the same to machines. A client
passes over types and fields that it does not know: they may be added within a version.

## The handshake

The first identity that is present counts; a bad token is not rescued by a good cookie.

1. The header `Authorization: Bearer <access token>`.
2. The subprotocols `$protocol` and `$bearer<access token>`, for a browser that has a token:
   `new WebSocket(url, ["$protocol", "$bearer" + token])`. The server selects `$protocol`.
3. The site's session cookie. Then `Origin` has to be the site's own, or be listed in
   `CSRF_TRUSTED_ORIGINS`; otherwise the handshake ends with HTTP 403.

Without a good identity the socket is opened and closed with $not_authenticated, so that a browser
can see why.

The server speaks first: `connected`. Then it replays what the person has not acknowledged with
`delivered`: messages of all chats, each chat in order, oldest first, and at last `sync_done`. Of
one chat it replays at most $per_chat messages, $in_all in all; a chat with more
is named in a `resync` before the `sync_done`, which says where each chat stands and not how far the
replay came. What happens meanwhile is held back and follows.

After `sync_done` a `presence` comes for everybody who is online and lets you see it; whoever is not
named is offline. From then on each coming and going is told, in chats of up to $receipts people;
in larger ones, and after `chat_created`, REST says who is there. One who has lost the last
connection is told to be offline $grace seconds later; one whose server process died, within
$ttl. Where presence is not told, because of a setting or a block, one always seems offline.

Receipts belong to the person, not to the device, and the replay brings no changes to older
messages. A device that keeps messages therefore sends `sync` after `connected` for the chats that
it holds, with `{"seq": …, "rev": …}` for each: it then gets the messages after `seq`, and the
edits and deletions after `rev` of messages that it holds; a chat with more than $per_chat changes
is named in `resync`. One's own messages come on `sync` only: at the handshake they are no news.

## Asking and being answered

Every frame to the server may carry `ref`, a string of at most $ref characters. The `ack` or
`error` that answers it carries it back. Answers can overtake each other; only the messages of one
connection keep their order. `delivered`, `read`, `typing`, `pong` and `authenticate` are answered
only if they fail; of what `sync` brings, the `sync_done` is the answer.

One bad frame never closes the socket: not JSON, no object, an unknown `type`, a missing, wrong or
unknown field, duplicate keys, NaN, NUL or half of a surrogate pair, nesting deeper than $depth, a
binary frame. Each gets one `error` and does nothing else. Ids that are not yours are answered like
ids that do not exist: `not_found`.

## Order, duplicates, gaps

- `seq` counts a chat's messages from 1, without gaps, in the order in which they were stored. It
  alone says what comes after what; clocks are decoration.
- `rev` counts a chat's edits and deletions. Of a message that was changed twice, one who was away
  hears only the last change, so numbers may be missing. Apply a change if its `rev` is higher than
  the message's own.
- The connection that sent a message gets its `ack`; the person's other connections get `message`.
- A frame can come twice, where a replay and live frames cross: drop a message whose `seq` you hold.
  Of two copies of one that still waits for those before it, keep the one with the higher `rev`: the
  change is not told beside it.
- The server notices what it has lost on its own way and makes it good within seconds. A client
  that sees a gap in `seq` sends `sync`. Those who may not see what was said before they came begin
  at a higher `seq`.
- No `ack`, or a broken connection? Send the `message` again with the same `message_id`: the answer
  is the same `ack`, with `duplicate`. The id in another chat, or somebody else's: the error
  `message_id_conflict`.
- `resync` says that a socket is not the way: read the named chats (null: everything) through REST,
  `GET /api/v1/messages?chat_id=…&after_seq=…`.
- Membership counts at once on open sockets: `chat_created` begins a chat, `chat_removed` ends it.
- Receipts are cumulative: everything up to `seq`. They are told live in chats of up to
  $receipts people; in larger ones REST has them.

## Blocks

One who has blocked somebody (`PUT /api/v1/users/{id}/block`) is out of their sight: their
`presence` and `typing` are not told to the blocked person, who cannot write or edit in the direct
chat of the two: `not_accepting_messages`, the same as from anybody who takes no messages from them.
The one who blocks cannot write there either: `person_blocked`. Receipts of the one who blocks stand
still in that chat. What was said before stays; groups in common go on.

## Heartbeat, and readers that do not keep up

Answer each `ping` at once with `pong` and its `n`. A ping comes at least every $interval seconds,
and earlier once $ping_frames frames or $ping_kib KiB have been sent since the last answered one. A
ping unanswered for $timeout seconds ends the connection with $heartbeat.

At most $window_frames frames or $window_mib MiB may be in flight, that is, sent after the last
ping that was answered. Beyond, the server sends nothing and keeps nothing; once the `pong` is
there it says `resync` with `"chats": null`. A replay instead waits for the pongs and loses nothing;
of what happens during it, up to $window_frames frames are held back, and with more a `resync`
follows.

## When access ends

A connection lives as long as its token or session. $warn seconds before that `token_expiring`
comes; a client sends `authenticate` with a fresh access token of the same login session, or is
closed with $not_authenticated. Access tokens live for $token_minutes minutes. Signing out, a
changed password and a revoked session close their sockets at once, on every server process.

## Limits

| what | limit |
|---|---|
| a message's text | $text_low to $text_high characters, white space around it removed |
| a frame | $frame_kib KiB; over it the socket is closed with $too_large |
| messages | $burst at once and $rate a second, of one person, all sockets and REST together |
| frames of any kind | $frames at once and $frames_rate a second, a connection; over it $flood |
| unfinished replays | $streams a connection, the handshake's included |
| bad frames | $bad_burst at once and one every $bad_pause seconds, of one person; over it $flood |
| connections | $connections of one person; over it $flood |
| `typing` | once in $typing_pause seconds for each chat; more is passed over |
| `items` of `delivered` and `read` | $items |
| `chats` of `sync` | $sync |
| editing | within $edit_hours hours |

What is of one person is counted over all their connections and all server processes.
Where no close code is named, what is over a limit is refused with an `error`: `rate_limited` says
in `retry_after` for how many seconds to wait, `invalid_input` which field is wrong. A connection
that sends on and on without waiting for its answers meets `rate_limited` as well. `connected` tells
the limits that count where you are.
"""


def numbers() -> dict[str, Any]:
    """What the prose's `$names` stand for."""
    shapes = definitions()
    text = shapes["MessageCommand"]["properties"]["text"]
    burst, rate = settings.RATE_LIMITS["messages"]
    frames, frames_rate = settings.RATE_LIMITS["frames"]
    bad_burst, bad_rate = settings.RATE_LIMITS["bad_frames"]
    return {
        "protocol": auth.PROTOCOL,
        "bearer": auth.BEARER_PREFIX,
        "per_chat": PER_CHAT,
        "in_all": f"{IN_ALL:,}",
        "ref": dispatch.REF_LIMIT,
        "depth": MAX_DEPTH,
        "receipts": settings.RECEIPTS_LIVE_LIMIT,
        "grace": round(presence.GRACE),
        "ttl": round(presence.TTL),
        "interval": settings.SOCKET_HEARTBEAT["interval"],
        "timeout": settings.SOCKET_HEARTBEAT["timeout"],
        "ping_frames": connection.PING_FRAMES,
        "ping_kib": connection.PING_BYTES // KIB,
        "window_frames": connection.WINDOW_FRAMES,
        "window_mib": connection.WINDOW_BYTES // KIB**2,
        "warn": healing.WARN_BEFORE,
        "token_minutes": settings.ACCESS_TOKEN_LIFETIME // 60,
        "text_low": text["minLength"],
        "text_high": text["maxLength"],
        "frame_kib": settings.SOCKET_FRAME_LIMIT // KIB,
        "burst": burst,
        "rate": rate,
        "frames": frames,
        "frames_rate": frames_rate,
        "typing_pause": round(1 / settings.RATE_LIMITS["typing"][1]),
        "streams": dispatch.STREAMS,
        "bad_burst": bad_burst,
        "bad_pause": round(1 / bad_rate),
        "connections": settings.SOCKET_CONNECTIONS_PER_USER,
        "items": shapes["ReadCommand"]["properties"]["items"]["maxItems"],
        "sync": shapes["SyncCommand"]["properties"]["chats"]["maxProperties"],
        "edit_hours": settings.MESSAGE_EDIT_WINDOW // 3600,
    }
