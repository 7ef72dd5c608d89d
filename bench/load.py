"""`python bench/load.py CONNECTIONS SECONDS ROUNDS`: keeps asking for tokens over kept connections, facts on stdin.

It says when it is warm and waits for a line; then it writes, for each round, how many answers came and in how long. It
sends bytes that were made beforehand and looks only at what it must, so that the service is what is measured.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from urllib.parse import urlencode, urlsplit

from service import Facts

_WARM = 2.0  # seconds: time for the service to see that there is a crowd


async def main(connections: int, seconds: float, rounds: int) -> None:
    facts = Facts.from_json(sys.stdin.readline())
    address = urlsplit(facts.token_endpoint)
    context = ssl.create_default_context(cafile=facts.ca_file)
    request = _request(facts, address.netloc, address.path)
    lines = [
        await asyncio.open_connection("127.0.0.1", address.port, ssl=context, server_hostname="localhost")
        for _ in range(connections)
    ]

    async def keep_asking(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, end: float) -> int:
        answers = 0
        while time.perf_counter() < end:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(head.decode())
            _, _, rest = head.lower().partition(b"content-length: ")
            await reader.readexactly(int(rest.partition(b"\r\n")[0]))
            answers += 1
        return answers

    async def one_round(length: float) -> tuple[int, float]:
        start = time.perf_counter()
        answers = await asyncio.gather(*(keep_asking(*line, start + length) for line in lines))
        return sum(answers), time.perf_counter() - start

    await one_round(_WARM)
    print("warm", flush=True)
    sys.stdin.readline()
    print(json.dumps([await one_round(seconds) for _ in range(rounds)]), flush=True)
    for _, writer in lines:
        writer.close()


def _request(facts: Facts, host: str, path: str) -> bytes:
    form = {"grant_type": "client_credentials", "client_id": facts.client_id, "client_secret": facts.client_secret}
    body = urlencode({**form, "scope": facts.scope})
    head = [f"POST {path} HTTP/1.1", f"Host: {host}", "Content-Type: application/x-www-form-urlencoded"]
    return "\r\n".join([*head, f"Content-Length: {len(body)}", "", body]).encode()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
