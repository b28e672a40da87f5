"""HTTP requests to URLs given by users: only to public addresses, with short timeouts.

Prevents server-side request forgery: the name is resolved once, each address is checked, and the
connection goes to a checked address, so a name that resolves differently later changes nothing.
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
WHOLE_TIMEOUT = 15.0  # of the whole request, however slowly the answer arrives
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(Exception):
    """The URL is not https, not a public address, or malformed. Retrying does not help."""


def post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str]]:
    """POST and return status and headers; the body of the response is not read.

    No redirects, proxies or cookies. Raises `AddressRefused`, and `OSError` or
    `http.client.HTTPException` for failures that a retry may overcome.
    """
    try:
        address = urlsplit(url)
        host, port = address.hostname or "", address.port
    except ValueError as error:
        raise AddressRefused from error
    is_plain = address.scheme == "http" and settings.OUTBOUND_ALLOW_PRIVATE
    if not host or (address.scheme != "https" and not is_plain):
        raise AddressRefused
    connection = _CheckedConnection(host, port or (80 if is_plain else 443), secure=not is_plain)
    deadline = threading.Timer(WHOLE_TIMEOUT, connection.abort)
    deadline.daemon = True
    deadline.start()
    try:
        target = (address.path or "/") + (f"?{address.query}" if address.query else "")
        connection.request("POST", target, body=body, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}
    finally:
        deadline.cancel()
        connection.close()


def is_public(address: IpAddress) -> bool:
    """Whether the address is on the public internet, embedded IPv4 addresses included."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in NAT64:
            inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if not all(is_public(one) for one in inner if one is not None):
            return False
        if address.ipv4_mapped is not None:
            return True
    return address.is_global and not address.is_multicast and not address.is_reserved


class _CheckedConnection(http.client.HTTPConnection):
    """A connection to a public address of `host`."""

    def __init__(self, host: str, port: int, *, secure: bool) -> None:
        super().__init__(host, port, timeout=CONNECT_TIMEOUT)
        self._secure = secure
        self.default_port = 443 if secure else 80  # for the Host header
        self._is_aborted = False

    def connect(self) -> None:
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        addresses = [str(sockaddr[0]) for *_, sockaddr in found]
        if not settings.OUTBOUND_ALLOW_PRIVATE:
            for address in addresses:
                if not is_public(ipaddress.ip_address(address.partition("%")[0])):
                    raise AddressRefused
        self.sock = socket.create_connection((addresses[0], self.port), CONNECT_TIMEOUT)
        if self._secure:
            self.sock = _tls().wrap_socket(self.sock, server_hostname=self.host)
        if self._is_aborted:
            raise TimeoutError

    def abort(self) -> None:
        """Shut the socket down, from the thread of the deadline; pending reads then fail."""
        self._is_aborted = True
        sock = self.sock
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
