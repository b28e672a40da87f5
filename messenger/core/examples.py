"""Ids and times for the examples in the protocol's documents."""

from __future__ import annotations

ALICE = "0199f3a2-5c1e-7b64-9d0f-2a6c41e8b7d3"
BOB = "0199f3a2-7e90-7f12-8a3b-91d5c0e4f628"
CHAT = "0199f3a4-10b7-7c58-b2e6-4f0d93a7c51e"
MESSAGE = "0199f3b0-6d42-7a19-8c75-e3b8204f9a60"
NOTIFICATION = "0199f3b1-0c55-7e3a-9b1d-5a2f67c8d014"
CONNECTION = "0199f3af-e001-7d3c-a5b9-70c62e18d4f9"
REF = "r17"
CREATED_AT = "2026-03-01T09:30:00.123456Z"
CHANGED_AT = "2026-03-01T09:31:12.004210Z"
