"""The IP address of a client, behind trusted proxies."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from django.conf import settings


def client_address(meta: Mapping[str, Any]) -> str:
    """The client's IP address from a request's `META`; empty where it is unknown.

    Each of the `TRUSTED_PROXY_COUNT` proxies appends its peer to `X-Forwarded-For`. Entries further
    left come from the client and are ignored.
    """
    candidate = str(meta.get("REMOTE_ADDR") or "")
    count = settings.TRUSTED_PROXY_COUNT
    if count:
        hops = [hop.strip() for hop in str(meta.get("HTTP_X_FORWARDED_FOR", "")).split(",")]
        if len(hops) >= count:
            candidate = hops[-count]
    try:
        # PostgreSQL's type inet has no zones such as %eth0.
        address = ipaddress.ip_address(candidate.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)


def limit_key(address: str) -> str:
    """The key of a rate limit per address: of IPv6 the /64 network, as one customer has it."""
    if ":" in address:
        return str(ipaddress.IPv6Network((address, 64), strict=False).network_address)
    return address or "unknown"
