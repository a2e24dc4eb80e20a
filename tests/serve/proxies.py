# SPDX-License-Identifier: Apache-2.0
"""HAProxy and nginx, each before a recorder that writes down which requests came through it."""
import contextlib
import dataclasses
import http.server
import pathlib
import shutil
import socket
import subprocess
import threading
import time


@dataclasses.dataclass
class Seen:
    method: str
    target: str
    body: bytes


class Recorder(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[Seen] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5

    def answer(self) -> None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append(Seen(self.command, self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass

    def __getattr__(self, name: str):
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


HAPROXY = """
defaults
  mode http
  timeout connect 2s
  timeout client 2s
  timeout server 2s
frontend all
  bind 127.0.0.1:{port}
  default_backend recorder
backend recorder
  server one 127.0.0.1:{backend}
"""

NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  scgi_temp_path {folder}/scgi;
  uwsgi_temp_path {folder}/uwsgi;
  client_header_timeout 2s;
  client_body_timeout 2s;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_http_version 1.1; proxy_pass http://127.0.0.1:{backend}; }}
  }}
}}
"""


@contextlib.contextmanager
def proxy(kind: str, folder: pathlib.Path):
    """(port, recorder) of a running proxy of that kind."""
    program = shutil.which(kind) or shutil.which(kind, path="/usr/sbin")
    recorder, port = Recorder(), free_port()
    config = folder / f"{kind}.cfg"
    text = HAPROXY if kind == "haproxy" else NGINX
    config.write_text(text.format(port=port, backend=recorder.server_address[1], folder=folder))
    words = [program, "-db", "-f", config] if kind == "haproxy" else [program, "-c", config]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            assert process.poll() is None, f"{kind} ended with {process.returncode}"
            time.sleep(0.05)
        yield port, recorder
    finally:
        process.terminate()
        process.wait(20)
        recorder.shutdown()
        recorder.server_close()
