"""A small HTTP proxy that knows CONNECT alone, on loopback, optionally inside TLS."""

import base64
import select
import socket
import socketserver
import ssl
import threading


class _Handler(socketserver.BaseRequestHandler):
    def handle(self):
        proxy = self.server.proxy
        head = b""
        while b"\r\n\r\n" not in head:
            part = self.request.recv(4096)
            if not part:
                return
            head += part
        lines = head.decode("latin-1").split("\r\n")
        target = lines[0].split(" ")[1]
        proxy.asked.append(target)
        credentials = [line.split(" ", 2)[2] for line in lines
                       if line.lower().startswith("proxy-authorization: basic ")]
        wanted = proxy.credentials and base64.b64encode(proxy.credentials.encode()).decode()
        if wanted and credentials != [wanted]:
            self.request.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return
        if proxy.refuse:
            self.request.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        host, port = target.rsplit(":", 1)
        # Names are looked up here: the client cannot know this one.
        host = proxy.names.get(host, host)
        with socket.create_connection((host, int(port)), timeout=10) as upstream:
            self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self._relay(upstream)

    def _relay(self, upstream):
        self.request.settimeout(60)
        while True:
            pending = isinstance(self.request, ssl.SSLSocket) and self.request.pending()
            ready = [self.request] if pending else select.select([self.request, upstream], [], [],
                                                                 60)[0]
            if not ready:
                return
            for source in ready:
                try:
                    part = source.recv(65536)
                    other = upstream if source is self.request else self.request
                    other.sendall(part)
                except OSError:
                    return
                if not part:
                    return


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    context = None
    proxy = None

    def get_request(self):
        connection, address = super().get_request()
        if self.context is not None:
            connection.settimeout(10)
            connection = self.context.wrap_socket(connection, server_side=True)
        return connection, address

    def handle_error(self, request, client_address):
        pass  # a client that goes away is its own business


class ConnectProxy:
    """`asked` lists the targets, in order. `certificate`: (certificate file, key file)."""

    def __init__(self, credentials="", certificate=None, names=None):
        self.credentials = credentials
        self.names = names or {}
        self.refuse = False
        self.asked = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*map(str, certificate))
            self._server.context = context
        scheme = "https" if certificate is not None else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
