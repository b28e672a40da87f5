"""Requests to URLs given by users."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from messenger.core import safe_http


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("240.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.215.14", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("2002:c0a8:101::1", False),
    ],
)
def test_only_globally_reachable_addresses_are_public(address, public):
    assert safe_http.is_public(ipaddress.ip_address(address)) is public


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.215.14/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://localhost/",
        "https://2130706433/",
        "https:///nowhere",
        "https://[::1",
        "https://host:99999/",
        "file:///etc/passwd",
        "",
    ],
)
def test_url_that_is_not_public_https_is_refused_before_connecting(url, monkeypatch):
    monkeypatch.setattr(socket, "create_connection", lambda *args: pytest.fail("connected"))
    with pytest.raises(safe_http.AddressRefused):
        safe_http.post(url, b"", {})


def test_one_private_address_among_public_ones_is_refused(monkeypatch):
    found = [(0, 0, 0, "", (address, 443)) for address in ("93.184.215.14", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: found)
    with pytest.raises(safe_http.AddressRefused):
        safe_http.post("https://push.example.org/", b"", {})


def test_connection_goes_to_the_checked_address(monkeypatch):
    resolved, connected = [], []

    def resolve(*args, **options):
        resolved.append(args)
        return [(0, 0, 0, "", ("93.184.215.14", 443))]

    def connect(address, timeout):
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(ConnectionRefusedError):
        safe_http.post("https://push.example.org/", b"", {})
    assert connected == [("93.184.215.14", 443)]
    assert len(resolved) == 1
