"""Where a request comes from, as far as our own proxies can be trusted to say."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from django.conf import settings


def client_address(meta: Mapping[str, Any]) -> str:
    """The caller's address out of a request's `META`; "" where it is unknown.

    `TRUSTED_PROXY_COUNT` proxies of ours have each added the address they were called from to
    `X-Forwarded-For`; what stands further left is the caller's own invention.
    """
    candidate = str(meta.get("REMOTE_ADDR") or "")
    count = settings.TRUSTED_PROXY_COUNT
    if count:
        hops = [hop.strip() for hop in str(meta.get("HTTP_X_FORWARDED_FOR", "")).split(",")]
        if len(hops) >= count:
            candidate = hops[-count]
    try:
        # PostgreSQL's inet knows no zone such as %eth0.
        address = ipaddress.ip_address(candidate.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)


def limit_key(address: str) -> str:
    """What a limit per address counts: of IPv6 the /64, which is one customer's."""
    if ":" in address:
        return str(ipaddress.IPv6Network((address, 64), strict=False).network_address)
    return address or "unknown"
