"""A CONNECT proxy on loopback."""

from __future__ import annotations

import socket
import threading

__all__ = ["Proxy"]


class Proxy:
    """Notes what is asked of it, and tunnels or refuses."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.answer = b"HTTP/1.1 200 OK\r\n\r\n"
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://user:p%40ss@127.0.0.1:{self.listener.getsockname()[1]}"
        self.threads = [threading.Thread(target=self._serve, daemon=True)]
        self.threads[0].start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096)
            self.heads.append(head.decode())
            client.sendall(self.answer)
            if b" 200 " not in self.answer:
                client.close()
                continue
            host, _, port = head.split()[1].decode().partition(":")
            server = socket.create_connection((host, int(port)))
            for one, other in ((client, server), (server, client)):
                thread = threading.Thread(target=self._pump, args=(one, other), daemon=True)
                self.threads.append(thread)
                thread.start()

    @staticmethod
    def _pump(one: socket.socket, other: socket.socket) -> None:
        with one:
            try:
                while data := one.recv(65536):
                    other.sendall(data)
                other.shutdown(socket.SHUT_WR)
            except OSError:
                pass

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(30)
