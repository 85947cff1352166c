"""Asking the program under test over its admin socket: by HTTP, and by its own command line."""

import http.client
import json
import os
import socket
import subprocess


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, seconds):
        super().__init__("localhost", timeout=seconds)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def request(connection, method, target):
    """(code, headers with names in lower case, body) of one request, after which the connection is closed."""
    try:
        connection.request(method, target)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def get(path, target, seconds=10.0):
    """(code, JSON) of one GET on the socket."""
    status, _, body = request(UnixConnection(path, seconds), "GET", target)
    return status, json.loads(body)


def drops(path, since="1h", by="reason,policy,service"):
    """The whole answer, with the rows' records by their columns: {("traces", "queue_full", "", "api"): 3}."""
    code, answer = get(path, f"/v1/drops?since={since}&by={by}")
    assert code == 200, (code, answer)
    columns = ["signal"] + by.split(",")
    answer["records"] = {tuple(row[column] for column in columns): row["records"] for row in answer["drops"]}
    assert len(answer["records"]) == len(answer["drops"]), "a row is there twice"
    return answer


def command(program, *arguments):
    """(exit status, standard output, standard error) of weft's own command."""
    environment = {name: value for name, value in os.environ.items() if name != "STATE_DIRECTORY"}
    done = subprocess.run([str(program), *map(str, arguments)], capture_output=True, text=True, timeout=30, env=environment)
    return done.returncode, done.stdout, done.stderr
