"""An HTTPS mirror on loopback that serves a repository, and misbehaves on request."""
import http.server
import pathlib
import socket
import ssl
import subprocess
import threading


def make_ca(folder, name="localhost"):
    """A private CA and a certificate of it for a name on loopback: (ca.pem, server.pem, key)."""
    folder.mkdir(parents=True, exist_ok=True)

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Chain test CA", "-days", "2")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", "server.key", "-out", "server.csr", "-subj", f"/CN={name}")
    (folder / "san").write_text(f"subjectAltName=DNS:{name},IP:::1\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", "server.pem", "-days", "2", "-extfile", "san")
    return folder / "ca.pem", folder / "server.pem", folder / "server.key"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        mirror = self.server.mirror
        mirror.requests.append(self.path)
        for part, behave in list(mirror.behaviours.items()):
            if part in self.path:
                return behave(self)
        path = (mirror.repo / self.path.lstrip("/")).resolve()
        if not path.is_relative_to(mirror.repo.resolve()) or not path.is_file():
            return self.reply(404, b"<html>not here</html>")
        return self.reply(200, path.read_bytes())

    def reply(self, status, body, length=None, headers=()):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that hangs up, or distrusts the certificate, is what these tests are about."""


class Server6(Server):
    address_family = socket.AF_INET6


class Mirror:
    def __init__(self, repo, certificate, key, ipv6=False):
        self.repo = pathlib.Path(repo)
        self.behaviours = {}  # part of a path: what to do with its request
        self.requests = []
        self.host = "[::1]" if ipv6 else "localhost"
        self.server = Server6(("::1", 0), Handler) if ipv6 else Server(("127.0.0.1", 0), Handler)
        self.server.mirror = self
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        # The handshake belongs to the thread of its connection: one bad client delays nobody.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"https://{self.host}:{self.server.server_address[1]}/"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
