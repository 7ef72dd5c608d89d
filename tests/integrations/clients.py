"""One way to use each HTTP library with its adapter, so that one suite runs over all of them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import httpx2
import requests

from entra_tokens.integrations import aiohttp as for_aiohttp
from entra_tokens.integrations import httpx as for_httpx
from entra_tokens.integrations import requests as for_requests

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from entra_tokens import AsyncTokenProvider, TokenProvider

__all__ = ["ALL", "ASYNC", "Client"]


class Client:
    """Sends requests with an adapter; redirects are followed."""

    def __init__(self, provider: TokenProvider | AsyncTokenProvider, **options: Any) -> None:
        self.setup(provider, **options)

    def setup(self, provider: TokenProvider | AsyncTokenProvider, **options: Any) -> None:
        raise NotImplementedError

    def send(self, method: str, url: str, body: Any = None) -> int:
        raise NotImplementedError

    def stream(self, chunks: list[bytes]) -> Any:
        """A body that can be read once."""
        return iter(chunks)

    def burst(self, method: str, url: str, count: int) -> list[int]:
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(lambda _: self.send(method, url), range(count)))

    def close(self) -> None:
        raise NotImplementedError


class _Httpx(Client):
    library: Any = httpx

    def setup(self, provider: TokenProvider | AsyncTokenProvider, **options: Any) -> None:
        auth = for_httpx.EntraAuth(provider, **options)
        self.client = self.library.Client(auth=auth, follow_redirects=True, trust_env=False)

    def send(self, method: str, url: str, body: Any = None) -> int:
        return int(self.client.request(method, url, content=body).status_code)

    def close(self) -> None:
        self.client.close()


class _Httpx2(_Httpx):
    library = httpx2


class _Requests(Client):
    def setup(self, provider: TokenProvider | AsyncTokenProvider, **options: Any) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = for_requests.EntraAuth(provider, **options)

    def send(self, method: str, url: str, body: Any = None) -> int:
        return self.session.request(method, url, data=body).status_code

    def close(self) -> None:
        self.session.close()


class _Async(Client):
    def __init__(self, provider: TokenProvider | AsyncTokenProvider, **options: Any) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(self.asetup(provider, **options))

    async def asetup(self, provider: TokenProvider | AsyncTokenProvider, **options: Any) -> None:
        raise NotImplementedError

    async def asend(self, method: str, url: str, body: Any = None) -> int:
        raise NotImplementedError

    async def aclose(self) -> None:
        raise NotImplementedError

    def send(self, method: str, url: str, body: Any = None) -> int:
        return self.loop.run_until_complete(self.asend(method, url, body))

    def stream(self, chunks: list[bytes]) -> AsyncIterator[bytes]:
        return _each(chunks)

    def burst(self, method: str, url: str, count: int) -> list[int]:
        async def all_of_them() -> list[int]:
            return await asyncio.gather(*(self.asend(method, url) for _ in range(count)))

        return self.loop.run_until_complete(all_of_them())

    def ticks_while_sending(self, url: str, release: Any) -> int:
        """How often the loop came round while a request waited for its token, which `release` lets through."""

        async def count() -> int:
            request = asyncio.ensure_future(self.asend("GET", url))
            ticks = 0
            while not request.done():
                ticks += 1
                if ticks == 20:
                    release()
                await asyncio.sleep(0.001)
            assert request.result() == 200
            return ticks

        return self.loop.run_until_complete(count())

    def close(self) -> None:
        self.loop.run_until_complete(self.aclose())
        self.loop.close()


class _HttpxAsync(_Async):
    library: Any = httpx

    async def asetup(self, provider: TokenProvider | AsyncTokenProvider, **options: Any) -> None:
        auth = for_httpx.EntraAuth(provider, **options)
        self.client = self.library.AsyncClient(auth=auth, follow_redirects=True, trust_env=False)

    async def asend(self, method: str, url: str, body: Any = None) -> int:
        return int((await self.client.request(method, url, content=body)).status_code)

    async def aclose(self) -> None:
        await self.client.aclose()


class _Httpx2Async(_HttpxAsync):
    library = httpx2


class _Aiohttp(_Async):
    async def asetup(self, provider: TokenProvider | AsyncTokenProvider, **options: Any) -> None:
        self.session = aiohttp.ClientSession(middlewares=[for_aiohttp.EntraAuth(provider, **options)])

    async def asend(self, method: str, url: str, body: Any = None) -> int:
        async with self.session.request(method, url, data=body) as response:
            await response.read()
            return response.status

    async def aclose(self) -> None:
        await self.session.close()


async def _each(chunks: list[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def _named(*kinds: type[Client]) -> Iterator[Any]:
    import pytest

    for kind in kinds:
        yield pytest.param(kind, id=kind.__name__.strip("_").lower())


ASYNC = list(_named(_HttpxAsync, _Httpx2Async, _Aiohttp))
ALL = [*_named(_Httpx, _Httpx2, _Requests), *ASYNC]
