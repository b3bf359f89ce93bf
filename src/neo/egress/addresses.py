"""Which addresses belong to the public internet, in whatever form they are written."""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

# A gateway between the two protocols sends what is addressed to these to the IPv4 address in the last 32 bits.
_TRANSLATED = IPv6Network("64:ff9b::/96")
_IPV4_BITS = 2**32 - 1


# The standard library takes these for global: of sites, of documentation, of relays that are gone, and Azure's own.
_ELSEWHERE = tuple(map(ip_network, ("fec0::/10", "3fff::/20", "192.88.99.0/24", "168.63.129.16/32")))


def is_public(address: IPv4Address | IPv6Address) -> bool:
    inner = _unwrapped(address)
    if any(inner in network for network in _ELSEWHERE):
        return False
    return inner.is_global and not (inner.is_multicast or inner.is_reserved or inner.is_unspecified)


def literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is; None for a name."""
    try:
        return ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def is_encoded_address(host: str) -> bool:
    """Whether resolvers take this for an IPv4 address though it is not written as one: `2130706433`, `0x7f.1`,
    `127.1`.
    """
    try:
        socket.inet_aton(host)
    except OSError:
        return False
    return literal(host) is None


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address leads to, if it leads to one."""
    if isinstance(address, IPv4Address):
        return address
    if address in _TRANSLATED:
        return IPv4Address(int(address) & _IPV4_BITS)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)
