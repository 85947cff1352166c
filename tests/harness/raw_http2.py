"""One gRPC call made by hand on python3-h2, for what no gRPC library would send: wrong framing, paths, encodings."""

import dataclasses
import socket
import time

import h2.config
import h2.connection
import h2.errors
import h2.events


@dataclasses.dataclass
class RawReply:
    headers: dict = dataclasses.field(default_factory=dict)
    trailers: dict = dataclasses.field(default_factory=dict)
    body: bytes = b""
    reset_code: int | None = None
    is_ended: bool = False

    @property
    def grpc_status(self):
        """From the trailers, or from the headers of an answer without a body."""
        text = self.trailers.get("grpc-status", self.headers.get("grpc-status"))
        return None if text is None else int(text)

    @property
    def grpc_message(self):
        return self.trailers.get("grpc-message", self.headers.get("grpc-message", ""))


def framed(message, is_compressed=False):
    return bytes([is_compressed]) + len(message).to_bytes(4, "big") + message


def _connect(address, seconds):
    if address.startswith("unix:"):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(seconds)
        connection.connect(address[5:])
        return connection
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=seconds)


def call(address, path, body, headers=(), method="POST", seconds=10.0):
    """Sends body (already framed) as one request; headers replace or add to those of a well-behaved gRPC client."""
    fields = {":method": method, ":scheme": "http", ":path": path, ":authority": "localhost",
              "content-type": "application/grpc", "te": "trailers", **dict(headers)}
    fields = [(name, value) for name, value in fields.items() if value is not None]
    reply = RawReply()
    with _connect(address, seconds) as connection:
        core = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        core.initiate_connection()
        stream = core.get_next_available_stream_id()
        core.send_headers(stream, fields)
        connection.sendall(core.data_to_send())
        rest, is_sent, deadline = memoryview(body), False, time.monotonic() + seconds
        while not reply.is_ended and time.monotonic() < deadline:
            while not is_sent and (not rest or core.local_flow_control_window(stream) > 0):
                size = min(len(rest), core.local_flow_control_window(stream), core.max_outbound_frame_size)
                is_sent = size == len(rest)
                core.send_data(stream, bytes(rest[:size]), end_stream=is_sent)
                rest = rest[size:]
            connection.sendall(core.data_to_send())
            data = connection.recv(65536)
            if not data:
                break
            for event in core.receive_data(data):
                _take(core, reply, event)
            connection.sendall(core.data_to_send())
    return reply


def _take(core, reply, event):
    if isinstance(event, h2.events.ResponseReceived):
        reply.headers = dict(event.headers)
    elif isinstance(event, h2.events.TrailersReceived):
        reply.trailers = dict(event.headers)
    elif isinstance(event, h2.events.DataReceived):
        reply.body += event.data
        core.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
    elif isinstance(event, h2.events.StreamReset):
        reply.reset_code = int(event.error_code)
        reply.is_ended = True
    elif isinstance(event, h2.events.ConnectionTerminated):
        reply.reset_code = int(event.error_code)
        reply.is_ended = True
    elif isinstance(event, h2.events.StreamEnded):
        reply.is_ended = True
