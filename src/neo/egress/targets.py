"""Checks where a request goes, before a name is resolved and again with what it resolved to."""

from ipaddress import IPv4Address, IPv6Address, ip_address
from socket import AF_INET, AddressFamily

import httpx2
from aiohttp.abc import AbstractResolver, ResolveResult

from neo.egress.addresses import is_encoded_address, is_public, literal
from neo.egress.errors import EgressRefused
from neo.egress.listed import Listed

PORTS = {"https": 443, "http": 80}
# Whoever could send these would decide how a request is read, or where a proxy sends it.
_HEADERS_REFUSED = frozenset({"te", "trailer", "transfer-encoding", "upgrade"})
_CONNECTION_VALUES = frozenset({"keep-alive", "close"})
_BREAKS = frozenset("\r\n\0")


def check_request(request: httpx2.Request, listed: Listed) -> None:
    """Raises `EgressRefused` for a request that may not leave, whatever its name resolves to."""
    url, host = request.url, request.url.host
    if url.scheme not in PORTS or not host:
        raise EgressRefused("Only https addresses are fetched.")
    if url.userinfo:
        raise EgressRefused("An address with a user or a password in it is not fetched.")
    if is_encoded_address(host):
        raise EgressRefused(f"{host} is not a name, nor an address as addresses are written.")
    port = url.port or PORTS[url.scheme]
    address = literal(host)
    is_listed = listed.has_host(host, port) or (address is not None and listed.has_address(address))
    if url.scheme != "https" and not is_listed:
        raise EgressRefused("Only https addresses are fetched; others must be listed in NEO_EGRESS_PRIVATE.")
    if address is not None and not is_listed and not is_public(address):
        raise _private(host)
    _check_headers(request)


def _check_headers(request: httpx2.Request) -> None:
    own_host = request.url.netloc.decode().rpartition("@")[2]
    for name, value in request.headers.multi_items():
        is_refused = name in _HEADERS_REFUSED or name.startswith("proxy-") or _BREAKS & set(value)
        leads_away = name == "host" and value != own_host
        if is_refused or leads_away or (name == "connection" and value.lower() not in _CONNECTION_VALUES):
            raise EgressRefused(f"The header {name} cannot be sent like this.")


class CheckedResolver(AbstractResolver):
    """Resolves a name once. The connection is made to one of the addresses that were checked here, so that no second
    answer of the name's owner counts.
    """

    def __init__(self, inner: AbstractResolver, listed: Listed) -> None:
        self._inner = inner
        self._listed = listed

    async def resolve(self, host: str, port: int = 0, family: AddressFamily = AF_INET) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if not self._listed.has_host(host, port):
            for one in found:
                if not self._may_connect(ip_address(one["host"].partition("%")[0])):
                    raise _private(host)
        return found

    async def close(self) -> None:
        await self._inner.close()

    def _may_connect(self, address: IPv4Address | IPv6Address) -> bool:
        return is_public(address) or self._listed.has_address(address)


def _private(host: str) -> EgressRefused:
    # It does not say what the name resolved to: that would map the network for whoever asks.
    return EgressRefused(
        f"{host} is not a public address. The operator can list it in NEO_EGRESS_PRIVATE.",
    )
