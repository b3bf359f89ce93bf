"""What the operator lists in NEO_EGRESS_PRIVATE: private places that agents may reach nevertheless."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Listed:
    networks: tuple[Network, ...] = ()
    hosts: frozenset[tuple[str, int | None]] = frozenset()
    """Names with the port that is meant; None: every port."""

    @classmethod
    def parse(cls, text: str) -> "Listed":
        """From hosts, `host:port` and networks (CIDR), separated by commas; raises `ValueError`."""
        entries = [entry.strip() for entry in text.split(",") if entry.strip()]
        networks = {entry: network for entry in entries if (network := _network(entry)) is not None}
        hosts = frozenset(_host(entry) for entry in entries if entry not in networks)
        return cls(tuple(networks.values()), hosts)

    def has_host(self, host: str, port: int) -> bool:
        name = plain_name(host)
        return (name, None) in self.hosts or (name, port) in self.hosts

    def has_address(self, address: IPv4Address | IPv6Address) -> bool:
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        return any((mapped or address) in network for network in self.networks)


def plain_name(host: str) -> str:
    """The name in the one form in which it is compared."""
    return host.strip("[]").rstrip(".").lower()


def _network(entry: str) -> Network | None:
    try:
        return ip_network(entry)
    except ValueError:
        if "/" in entry:
            raise ValueError(f"{entry} is not a network: its address has bits beyond its prefix.") from None
        return None


def _host(entry: str) -> tuple[str, int | None]:
    host, colon, port = entry.rpartition(":")
    if not colon:
        host, port = entry, ""
    is_known = host and not set(host) & set("/@?# *") and (not port or port.isdecimal())
    if not is_known or (colon and not port):
        raise ValueError(f"{entry} is neither a host, nor host:port, nor a network.")
    return plain_name(host), int(port) if port else None
