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
        return str(ipaddress.ip_address(candidate))
    except ValueError:
        return ""
