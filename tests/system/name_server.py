"""A name server on loopback that knows the SRV records it is given and nothing else. Over UDP its
answers are cut, as long ones are; whoever wants them asks again over TCP."""

import socketserver
import struct
import threading

_SRV, _IN = 33, 1
_ANSWER, _CUT, _NO_SUCH_NAME = 0x8180, 0x8380, 0x8183


def _name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


class _Udp(socketserver.BaseRequestHandler):
    def handle(self):
        question, reply = self.request
        reply.sendto(self.server.owner.answer(question, tcp=False), self.client_address)


class _Tcp(socketserver.StreamRequestHandler):
    def handle(self):
        question = self.rfile.read(struct.unpack(">H", self.rfile.read(2))[0])
        answer = self.server.owner.answer(question, tcp=True)
        self.wfile.write(struct.pack(">H", len(answer)) + answer)


class NameServer:
    """`records`: a list of (priority, weight, port, host) for each name, in lower case."""

    def __init__(self, records):
        self.records = records
        self.asked = []
        # First TCP: its ports are the rare ones, connections of other processes use them too.
        self._tcp = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Tcp)
        self._udp = socketserver.ThreadingUDPServer(self._tcp.server_address, _Udp)
        self.address = "{}:{}".format(*self._udp.server_address)
        for server in (self._udp, self._tcp):
            server.owner = self
            threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()

    def answer(self, question, tcp):
        end = question.index(b"\0", 12)
        name, at = [], 12
        while at < end:
            name.append(question[at + 1:at + 1 + question[at]].decode().lower())
            at += 1 + question[at]
        name = ".".join(name)
        self.asked.append((name, "tcp" if tcp else "udp"))
        records = self.records.get(name)
        flags = _NO_SUCH_NAME if records is None else _ANSWER if tcp else _CUT
        body = b""
        for priority, weight, port, host in (records or []) if tcp else []:
            data = struct.pack(">HHH", priority, weight, port) + _name(host)
            body += struct.pack(">HHHIH", 0xC00C, _SRV, _IN, 0, len(data)) + data
        count = len(records or []) if tcp else 0
        return (question[:2] + struct.pack(">HHHHH", flags, 1, count, 0, 0)
                + question[12:end + 5] + body)

    def close(self):
        for server in (self._udp, self._tcp):
            server.shutdown()
            server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
