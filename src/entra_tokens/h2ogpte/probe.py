"""Asks a server which scheme it takes: `scheme="auto"`.

The question is the request that the client's own constructor makes (`GET /rpc/meta`), put by the HTTP library that the
client will use (requests, or httpx in the asynchronous one) with its `verify`, proxy and time-outs of the environment:
what the client can reach, so can the question. Three things differ: it follows no redirect, it takes no notice of a
`.netrc`, and it ends after `LONGEST` seconds. The client's errors cannot answer it: they do not tell 401 from 403.

A 401 says that a scheme (or the token under any scheme) is refused. Everything else, no answer included, says nothing
about schemes; then the scheme that was asked last is taken, and the client meets the rest by itself.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..token import Token

__all__ = ["BEARER_AD", "BEARER_TOKEN", "Answer", "ask", "ask_async"]

BEARER_TOKEN = "Bearer-Token"  # noqa: S105 - the scheme's name
BEARER_AD = "Bearer-AD"
REFUSED = 401
LONGEST = 30.0  # seconds; the clients themselves wait for an hour


class Answer(NamedTuple):
    """What came of it.

    Args:
        scheme: The one to use.
        certain: Whether the server said yes to it.
    """

    scheme: str
    certain: bool


class Question(NamedTuple):
    """One request of the probe."""

    url: str
    authorization: str
    headers: dict[str, str]
    verify: bool | str


def ask(address: str, token: Token, options: dict[str, Any], version: str) -> Answer:
    """Ask with the synchronous client's HTTP library.

    Args:
        address: A checked address.
        token: What the client will send.
        options: The client's.
        version: The client's, which it tells the server.
    """
    import requests

    def status_of(question: Question) -> int | None:
        def authorize(request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.headers["Authorization"] = question.authorization
            return request

        try:
            with requests.get(
                question.url,
                headers=question.headers,
                auth=authorize,  # with one of its own, requests does not look into .netrc
                verify=question.verify,
                allow_redirects=False,
                stream=True,  # nobody reads the body
                timeout=LONGEST,
            ) as response:
                return response.status_code
        except (OSError, ValueError):  # every error of requests is one of these
            return None

    questions = _questions(address, token, options, version)
    return _answer(map(status_of, questions))


async def ask_async(address: str, token: Token, options: dict[str, Any], version: str) -> Answer:
    """As `ask`, with the asynchronous client's HTTP library."""
    import httpx

    from ..authority.verify import ssl_context

    statuses: list[int | None] = []
    for question in _questions(address, token, options, version):
        trusted = ssl_context(question.verify) if isinstance(question.verify, str) else question.verify
        headers = {**question.headers, "Authorization": question.authorization}
        try:
            async with (
                httpx.AsyncClient(verify=trusted, timeout=LONGEST, follow_redirects=False) as client,
                client.stream("GET", question.url, headers=headers) as response,
            ):
                statuses.append(response.status_code)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
            statuses.append(None)
        if statuses[-1] != REFUSED:
            break
    return _answer(iter(statuses))


def _questions(address: str, token: Token, options: dict[str, Any], version: str) -> Iterator[Question]:
    for scheme in (BEARER_TOKEN, BEARER_AD):
        headers = {"Session-Id": str(uuid.uuid4())}
        if options.get("send_client_version", True):
            headers["X-Client-Version"] = version
        yield Question(f"{address}/rpc/meta", f"{scheme} {token}", headers, options.get("verify", True))


def _answer(statuses: Iterator[int | None]) -> Answer:
    status = None
    for scheme in (BEARER_TOKEN, BEARER_AD):
        status = next(statuses)
        if status != REFUSED:
            return Answer(scheme, status is not None and 200 <= status < 300)
    return Answer(BEARER_TOKEN, False)
