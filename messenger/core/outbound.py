"""Requests to addresses that strangers have given us: only to the public internet, once, briefly.

The name is resolved here, every address it stands for is judged, and the connection goes to the
address that was judged: a name that answers differently the second time gains nothing.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from functools import cache
from urllib.parse import urlsplit

from django.conf import settings

CONNECT_TIMEOUT = 5.0  # seconds
WHOLE_TIMEOUT = 15.0  # of everything, however slowly the other side drips
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(Exception):
    """Not https, not a public address, or not an address at all. Trying again is of no use."""


def post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str]]:
    """POST and return the status and the headers; the answer's body is not read.

    No redirects, no proxies, no cookies. Raises `AddressRefused`, and `OSError` or
    `http.client.HTTPException` for what may go better another time.
    """
    try:
        address = urlsplit(url)
        host, port = address.hostname or "", address.port
    except ValueError as error:
        raise AddressRefused from error
    is_plain = address.scheme == "http" and settings.OUTBOUND_ALLOW_PRIVATE
    if not host or (address.scheme != "https" and not is_plain):
        raise AddressRefused
    connection = _Judged(host, port or (80 if is_plain else 443), secure=not is_plain)
    hurry = threading.Timer(WHOLE_TIMEOUT, connection.cut)
    hurry.daemon = True
    hurry.start()
    try:
        target = (address.path or "/") + (f"?{address.query}" if address.query else "")
        connection.request("POST", target, body=body, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}
    finally:
        hurry.cancel()
        connection.close()


def is_public(address: IpAddress) -> bool:
    """Whether everybody may reach it; what carries an IPv4 address inside is judged by that too."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in NAT64:
            inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if not all(is_public(one) for one in inner if one is not None):
            return False
        if address.ipv4_mapped is not None:
            return True
    return address.is_global and not address.is_multicast and not address.is_reserved


class _Judged(http.client.HTTPConnection):
    """A connection to an address of `host` that has been found public."""

    def __init__(self, host: str, port: int, *, secure: bool) -> None:
        super().__init__(host, port, timeout=CONNECT_TIMEOUT)
        self._secure = secure
        self.default_port = 443 if secure else 80  # for the Host header
        self._is_cut = False

    def connect(self) -> None:
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        places = [str(place[0]) for *_, place in found]
        if not settings.OUTBOUND_ALLOW_PRIVATE:
            for place in places:
                if not is_public(ipaddress.ip_address(place.partition("%")[0])):
                    raise AddressRefused
        self.sock = socket.create_connection((places[0], self.port), CONNECT_TIMEOUT)
        if self._secure:
            self.sock = _tls().wrap_socket(self.sock, server_hostname=self.host)
        if self._is_cut:
            raise TimeoutError

    def cut(self) -> None:
        """End it from another thread: whoever waits for the other side gets an error."""
        self._is_cut = True
        sock = self.sock
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
