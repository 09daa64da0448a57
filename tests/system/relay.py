"""A TCP relay on a port that stays the same while what stands behind it goes away and comes back."""

import socket
import socketserver
import threading


class _Handler(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            behind = socket.create_connection(self.server.target, timeout=10)
        except OSError:
            return
        behind.settimeout(None)
        with behind:
            self.server.open_sockets.update((self.request, behind))
            back = threading.Thread(target=self._pump, args=(behind, self.request), daemon=True)
            back.start()
            self._pump(self.request, behind)
            back.join(10)
            self.server.open_sockets.difference_update((self.request, behind))

    @staticmethod
    def _pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for side, how in ((sink, socket.SHUT_WR), (source, socket.SHUT_RD)):
            try:
                side.shutdown(how)
            except OSError:
                pass


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


class Relay:
    """`url` with its host and port, reached over a port of ours. cut() refuses connections and ends
    those that are open; join() mends. drop() ends those that are open and takes others. `address`: one that the server's certificate names."""

    def __init__(self, url, address="127.0.0.1"):
        scheme, target = url.split("://")
        host, port = target.rstrip("/").rsplit(":", 1)
        self._target = (host, int(port))
        self._server = None
        self._address = address
        self.port = 0
        self.join()
        self.url = f"{scheme}://{address}:{self.port}"

    def join(self):
        server = _Server((self._address, self.port), _Handler)
        server.target, server.open_sockets = self._target, set()
        self.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self._server = server

    def lead_to(self, url):
        """From now on to another server."""
        host, port = url.split("://")[1].rstrip("/").rsplit(":", 1)
        self._target = (host, int(port))
        if self._server is not None:
            self._server.target = self._target

    def cut(self):
        server, self._server = self._server, None
        server.shutdown()
        server.server_close()
        self._end(server)

    def drop(self):
        self._end(self._server)

    @staticmethod
    def _end(server):
        for end in list(server.open_sockets):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        if self._server is not None:
            self.cut()
