"""The far side of the wire: a name server that knows every name of the lab, a web server, and the
web server of the authority's repository."""
import json
import pathlib
import ssl

from .process import LabError, run

NAMES = ["library.example", "school.example", "casino.example", "lottery.example", "news.test"]

# Names under alias.test that lead to another one.
ALIASES = {"fine": "CNAME www.library.example.", "cloak": "CNAME www.casino.example.",
           "service": "HTTPS 0 www.casino.example."}

# A search engine, which holds back nothing under its own name. The web server is its safe one.
SEARCH_NAMES = ["search.example", "www.search.example"]
SEARCH_UNSAFE = ("192.0.2.66", "2001:db8:7::66")
SEARCH_MODERATE = ("192.0.2.67", "2001:db8:7::67")


class Authorities:
    """A certificate authority of the lab's own, and one certificate of it for all its names."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.certificate = folder / "ca.pem"
        self.server_key = folder / "server.key"
        self.server_certificate = folder / "server.pem"

    def make(self, names, addresses):
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        run("openssl", "req", "-x509", *key, "-subj", "/CN=Lab CA", "-keyout",
            self.folder / "ca.key", "-out", self.certificate, "-addext",
            "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
        alternatives = [f"DNS:{prefix}{name}" for name in names for prefix in ("", "*.")]
        alternatives += [f"IP:{address}" for address in addresses]
        run("openssl", "req", "-x509", *key, "-subj", "/CN=Lab server", "-keyout", self.server_key,
            "-out", self.server_certificate, "-CA", self.certificate, "-CAkey",
            self.folder / "ca.key", "-addext", "subjectAltName=" + ",".join(alternatives),
            "-addext", "basicConstraints=critical,CA:FALSE")

    def context(self):
        return ssl.create_default_context(cafile=str(self.certificate))


def start_unbound(server, folder: pathlib.Path, addresses):
    """Every name under .example and .test is the server itself, listed ones included, so that what
    does not come back was blocked on the way."""
    zones = []
    for zone in ("example.", "test."):
        zones.append(f'local-zone: "{zone}" redirect')
        for record in [f"A {addresses[0]}", f"AAAA {addresses[1]}", "HTTPS 1 . alpn=h2,http/1.1",
                       'TXT "from the server"', "MX 10 mail.example."]:
            zones.append(f"local-data: '{zone} 60 {record}'")
    zones.append('local-zone: "alias.test." static')
    zones += [f"local-data: '{alias}.alias.test. 60 {record}'" for alias, record in ALIASES.items()]
    zones.append('local-zone: "search.example." static')
    for names, found in ((SEARCH_NAMES, SEARCH_UNSAFE), (["safe.search.example"], addresses),
                         (["moderate.search.example"], SEARCH_MODERATE)):
        for name in names:
            zones += [f"local-data: '{name}. 60 A {found[0]}'", f"local-data: '{name}. 60 AAAA {found[1]}'",
                      f"local-data: '{name}. 60 HTTPS 1 . ipv4hint={found[0]}'",
                      f"local-data: '{name}. 60 TXT \"of {name}\"'"]
    listen = [f"interface: {address}" for address in addresses]
    config = folder / "unbound.conf"
    config.write_text("\n".join([
        "server:", *listen, *zones, 'local-zone: "." static', "access-control: 0.0.0.0/0 allow",
        "access-control: ::/0 allow", f'directory: "{folder}"', 'chroot: ""', 'username: ""',
        'pidfile: ""', "use-syslog: no", "log-queries: yes", "do-daemonize: no", "num-threads: 1",
        'module-config: "iterator"', "minimal-responses: no",
        "remote-control:", "  control-enable: no", ""]))
    process = server.start("unbound", "unbound", "-d", "-c", config, log=folder / "unbound.log")
    process.wait_until("answers", lambda: server.run(
        "dig", f"@{addresses[0]}", "ready.test", "+short", "+tries=1", "+time=1",
        check=False).stdout.strip() == addresses[0])
    return process


def start_nginx(server, folder: pathlib.Path, certs: Authorities, addresses, repository_address,
                repository: pathlib.Path):
    """Pages on the lab's wire; the repository on the management network."""
    www = folder / "www"
    www.mkdir(exist_ok=True)
    (www / "index.html").write_text("<!doctype html><title>Reached</title><p>This is the server.\n")
    tls = f"ssl_certificate {certs.server_certificate}; ssl_certificate_key {certs.server_key};" \
          " ssl_protocols TLSv1.2 TLSv1.3;"
    listen = "".join(f"listen {a}:80; listen {a}:443 ssl http2; " for a in
                     (addresses[0], f"[{addresses[1]}]"))
    config = folder / "nginx.conf"
    temporary = "".join(f"{kind}_temp_path {folder}/nginx-{kind}; " for kind in
                        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config.write_text(f"""
daemon off; master_process off; user root; pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 512; }}
http {{
  access_log {folder}/nginx-access.log; default_type text/plain; {temporary}
  server {{ {listen} {tls} root {www}; }}
  server {{ listen {repository_address}:443 ssl; {tls} root {repository};
            access_log {folder}/repository-access.log; }}
}}
""")
    test = server.run("nginx", "-t", "-q", "-c", config, "-e", folder / "nginx-error.log",
                      check=False)
    if test.returncode != 0:
        raise LabError("nginx: " + test.stderr.strip())
    process = server.start("nginx", "nginx", "-c", config, "-e", folder / "nginx-error.log",
                           log=folder / "nginx.log")
    process.wait_until("answers", lambda: server.run(
        "curl", "-s", "-o", "/dev/null", f"http://{addresses[0]}/", check=False).returncode == 0)
    return process


def start_caddy(server, folder: pathlib.Path, certs: Authorities, addresses):
    """The same pages by HTTP/3 and, on the same addresses, by HTTP/1.1 and HTTP/2."""
    config = folder / "Caddyfile"
    config.write_text(f"""{{
  admin off
  auto_https off
}}
https:// {{
  bind {" ".join(addresses)}
  tls {certs.server_certificate} {certs.server_key}
  root * {folder / "www"}
  file_server
  log {{
    output file {folder / "caddy-access.log"}
  }}
}}
""")
    process = server.start("caddy", "env", f"HOME={folder}", "caddy", "run", "--adapter",
                           "caddyfile", "--config", config, log=folder / "caddy.log")
    process.wait_until("answers", lambda: server.run(
        "curl", "-sk", "-o", "/dev/null", "--resolve", f"library.example:443:{addresses[0]}",
        "https://library.example/", check=False).returncode == 0)
    return process


def requests_of_caddy(folder: pathlib.Path):
    """(protocol, host) of every request that it answered, in order."""
    log = folder / "caddy-access.log"
    lines = log.read_text().splitlines() if log.exists() else []
    requests = [json.loads(line)["request"] for line in lines]
    return [(request["proto"], request["host"]) for request in requests]
