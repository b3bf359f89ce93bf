"""Every request carries what its own connection signs in with, and nothing else ever does."""

import asyncio
from typing import Any

import pytest

from connections.targets import OLDER, STATELESS, target_of
from neo.connections import Bearer, ClientCredentials, Ending, Header, Servers
from neo.vault import Secret
from support.scripted_mcp import Stage

both_protocols = pytest.mark.parametrize("protocol", [STATELESS, OLDER])


def credentials(stage: Stage, secret: str = "s3cret") -> ClientCredentials:
    return ClientCredentials(
        token_url=stage.token_url, client_id="neo", client_secret=Secret(secret), scope="tools"
    )


async def test_two_tenants_at_one_address_are_never_mixed(servers: Servers, stage: Stage) -> None:
    await stage.change(tokens=["token-a", "token-b"])

    async def turn(tenant: str, number: int) -> bool:
        target = target_of(stage, Bearer(Secret(f"token-{tenant}")), tenant=tenant, protocol=STATELESS)
        async with servers.mcp(target) as client:
            return (await client.call("write", {"text": tenant}, key=f"{tenant}{number}")).is_ok

    done = await asyncio.gather(*(turn(tenant, number) for tenant in "ab" for number in range(50)))

    assert all(done)
    pairs = [(call["authorization"], call["arguments"]["text"]) for call in await stage.calls()]
    assert sorted(pairs) == [("Bearer token-a", "a")] * 50 + [("Bearer token-b", "b")] * 50


async def test_a_header_of_any_name_is_sent(servers: Servers, stage: Stage) -> None:
    async with servers.mcp(target_of(stage, Header("Neo-Company", Secret("as-a-key")))) as client:
        outcome = await client.call("company", {}, key="k")

    assert [call["company"]["header"] for call in await stage.calls()] == ["as-a-key"]
    assert "as-a-key" not in repr(outcome)


@both_protocols
async def test_a_token_is_fetched_once_for_all_and_once_more_when_it_is_refused(
    servers: Servers, stage: Stage, protocol: str
) -> None:
    await stage.change(protocol=protocol, clients={"neo": "s3cret"})
    target = target_of(stage, credentials(stage))

    async with servers.mcp(target) as one, servers.mcp(target) as two:
        first = await asyncio.gather(
            *(client.call("read", {}, key=str(n)) for client in (one, two) for n in range(5))
        )
        fetched_first = (await stage.shown())["methods"]["token"]
        await stage.expire()
        then = await asyncio.gather(
            *(client.call("read", {}, key=str(n)) for client in (one, two) for n in range(5))
        )

    assert all(outcome.is_ok for outcome in (*first, *then))
    assert (fetched_first, (await stage.shown())["methods"]["token"]) == (1, 2)


@pytest.mark.parametrize(("lasts", "fetches"), [(3600, 1), (90, 1), (0, 2)])
async def test_a_token_is_renewed_before_it_ends(
    servers: Servers, stage: Stage, lasts: float, fetches: int
) -> None:
    await stage.change(clients={"neo": "s3cret"}, tokens=["never"], token_seconds=lasts or 0.9)
    target = target_of(stage, credentials(stage), protocol=STATELESS)

    async with servers.mcp(target) as client:
        for number in range(2):
            await client.call("read", {}, key=str(number))

    assert (await stage.shown())["methods"]["token"] == fetches


@both_protocols
@pytest.mark.parametrize("case", ["no token", "wrong token", "wrong secret", "never let in"])
async def test_who_is_not_let_in_needs_auth_and_has_not_asked_often(
    servers: Servers, stage: Stage, case: str, protocol: str
) -> None:
    await stage.change(protocol=protocol, tokens=["right"], clients={"neo": "s3cret"})
    auths: dict[str, Any] = {
        "wrong token": Bearer(Secret("wrong")),
        "wrong secret": credentials(stage, "wr0ng"),
        "never let in": credentials(stage),
    }
    if case == "never let in":
        await stage.change(token_seconds=0)

    async with servers.mcp(target_of(stage, auths.get(case))) as client:
        outcome = await client.call("write", {"text": "x"}, key="k")

    shown = await stage.shown()
    assert (outcome.ending, outcome.may_have_happened) == (Ending.NEEDS_AUTH, False)
    assert (outcome.challenge is None) == (case == "wrong secret") == (outcome.code == "token_refused")
    assert shown["requests"] <= 2
    assert shown["methods"].get("token", 0) <= 2
    assert "s3cret" not in repr(outcome) and "wr" not in repr(outcome)


@pytest.mark.parametrize("fault", ["hang", "html", "status", "garbage", "endless", "redirect", "refuse"])
async def test_a_token_address_that_fails_ends_the_call_before_it_is_sent(
    servers: Servers, stage: Stage, fault: str
) -> None:
    await stage.change(clients={"neo": "s3cret"}, fault={"name": fault, "method": "token", "number": 500})

    async with servers.mcp(target_of(stage, credentials(stage))) as client:
        outcome = await client.call("write", {"text": "x"}, key="k", seconds=3)

    assert (outcome.is_ok, outcome.is_sent) == (False, False)
    assert (await stage.shown())["requests"] == 0


@pytest.mark.parametrize("method", ["tools/call", "server/discover"])
async def test_a_redirection_takes_no_token_along(servers: Servers, stage: Stage, method: str) -> None:
    elsewhere = Stage(stage.root, f"{stage.name}-elsewhere", stage.http)
    to = elsewhere.url.replace("127.0.0.1", "127.0.0.2")
    await stage.change(fault={"name": "redirect", "method": method, "to": to})

    async with servers.mcp(target_of(stage, Bearer(Secret("secret")))) as client:
        outcome = await client.call("write", {"text": "x"}, key="k")

    assert (outcome.is_ok, (await elsewhere.shown())["requests"]) == (False, 0)
