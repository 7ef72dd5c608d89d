"""The clients at work: synchronous on threads, asynchronous on one loop, the WebSocket one made anew by hand."""

from __future__ import annotations

import asyncio
import threading
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from entra_tokens.emulator.remote import RemoteEmulator

    from .seats import Party, Seat

__all__ = ["Play"]

PAUSE = 0.4  # seconds between two calls of one client
SHARED_LASTS = 6.0  # seconds after which the WebSocket client is made anew with a fresh token: its token is one-shot


class Play:
    """Every client's calls, from `start()` to `stop()`."""

    def __init__(self, emulator: RemoteEmulator, parties: list[Party]) -> None:
        self._emulator = emulator
        self._parties = parties
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._newcomer = threading.Lock()
        self._shared_seat: Seat | None = None

    def start(self, told: Callable[[str], None]) -> None:
        """Seat every client (each one's first call tells which session id is its own) and set them to work."""
        loop_work: list[tuple[Any, Seat]] = []
        for party in self._parties:
            told(f"{party.name}: H2OGPTE")
            self._sync(party)
            loop_work.append((party, party.seat("H2OGPTEAsync")))
        told("H2OGPTEAsync on each, in one event loop")
        seated = threading.Event()
        self._thread(lambda: asyncio.run(self._async(loop_work, seated)))
        seated.wait(30)
        told("SharedH2OGPTEClient, with one-shot tokens")
        self._shared(self._parties[1])

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(15)

    def _thread(self, job: Callable[[], None]) -> None:
        thread = threading.Thread(target=job, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _sync(self, party: Party) -> None:
        from h2ogpte import H2OGPTE  # type: ignore[import-untyped] # it ships no py.typed

        seat = party.seat("H2OGPTE")
        with self._newcomer:
            before = self._session_ids()
            client = H2OGPTE(
                address=self._emulator.h2ogpte_url,
                token_provider=party.provider,  # pyright: ignore[reportArgumentType] # whatever has token() serves the client
                verify=self._emulator.ca_file,
            )
            client.list_recent_collections(0, 10)
            seat.session_ids |= self._session_ids() - before

        def once() -> None:
            if seat.calls % 5 == 4:
                with client.connect(client.create_chat_session()) as session:
                    session.query("Does the token still verify?", timeout=10)
            else:
                client.list_recent_collections(0, 10)

        def work() -> None:
            while not self._over.wait(PAUSE):
                try:
                    once()
                    seat.calls += 1
                except Exception as error:  # every failure is counted and shown
                    seat.failed(error)

        self._thread(work)

    async def _async(self, work: list[tuple[Party, Seat]], seated: threading.Event) -> None:
        from h2ogpte import H2OGPTEAsync

        clients = []
        for party, seat in work:
            before = await asyncio.to_thread(self._session_ids)
            client = H2OGPTEAsync(
                address=self._emulator.h2ogpte_url,
                token_provider=party.provider.as_async(),  # pyright: ignore[reportArgumentType] # whatever has token() serves the client
                verify=self._emulator.ca_file,
            )
            await client.list_recent_collections(0, 10)
            seat.session_ids |= await asyncio.to_thread(self._session_ids) - before
            clients.append((client, seat))
        seated.set()
        await asyncio.gather(*(self._async_work(client, seat) for client, seat in clients))

    async def _async_work(self, client: Any, seat: Seat) -> None:
        async with client:
            while not self._over.is_set():
                try:
                    await client.list_recent_collections(0, 10)
                    seat.calls += 1
                except Exception as error:  # every failure is counted and shown
                    seat.failed(error)
                await asyncio.sleep(PAUSE)

    def _shared(self, party: Party) -> None:
        """A new client with a fresh token again and again: what the WebSocket client's users have to do."""
        with warnings.catch_warnings():  # importing it switches every warning of the process off
            from h2ogpte.shared_client import SharedH2OGPTEClient  # type: ignore[import-untyped] # it ships no py.typed

        self._shared_seat = seat = party.seat("SharedH2OGPTEClient")

        def work() -> None:
            import uuid
            from datetime import timedelta

            while not self._over.is_set():
                try:
                    client = SharedH2OGPTEClient(
                        address=self._emulator.h2ogpte_url,
                        azure_token=party.provider.azure_token(timedelta(seconds=SHARED_LASTS)),
                    )
                    try:
                        chat, ends = str(uuid.uuid4()), int(SHARED_LASTS / PAUSE)
                        for _ in range(ends):
                            client.query(chat, "Does the token still verify?", timeout=10)
                            seat.calls += 1
                            if self._over.wait(PAUSE):
                                break
                    finally:
                        client.close()
                except Exception as error:  # every failure is counted and shown
                    seat.failed(error)
                    self._over.wait(PAUSE)

        self._thread(work)

    def claim(self, front: dict[str, Any]) -> None:
        """Give the WebSocket clients, each of which has a session id of its own, what is nobody else's."""
        others = {known for party in self._parties for seat in party.seats for known in seat.session_ids}
        if self._shared_seat is not None:
            self._shared_seat.session_ids |= set(front["calls_by_client"]) - others

    def _session_ids(self) -> set[str]:
        return set(self._emulator.stats()["front"]["calls_by_client"])
