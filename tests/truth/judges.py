"""The readers that Sluice is compared with: tshark, OpenSSL as a server, and ldns."""
import collections
import ctypes
import re
import ssl
import subprocess
import sys
import warnings

import seeds

PATIENCE = 120
MARK = "\x1f"  # separates values of one field
DNS_NAMES = ("dns.qry.name", "dns.resp.name", "dns.cname", "dns.dname", "dns.svcb.targetname")
FIELDS = ("frame.number", "quic.version", "dns.flags.response",
          "tls.handshake.extensions_server_name") + DNS_NAMES


def unescaped(name, base=10):
    """Zone files escape an octet in decimals; tshark in octal ones, or as C does."""
    letters = dict(zip("abtnvfr", "\a\b\t\n\v\f\r")) if base == 8 else {}
    return re.sub(r"\\(\d{3})|\\(.)", lambda m: chr(int(m[1], base)) if m[1]
                  else letters.get(m[2], m[2]), name)


def tshark(capture):
    """{packet: [(protocol, name)]}; names behind a DNS question are of "records"."""
    command = ["tshark", "-n", "-r", str(capture), "-T", "fields", "-E", "separator=/t",
               "-E", "occurrence=a", "-E", f"aggregator={MARK}"]
    for field in FIELDS:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode != 0:
        sys.exit(f"tshark ended with {done.returncode}:\n{done.stderr.strip()}")
    found = collections.defaultdict(list)
    for line in done.stdout.splitlines():
        number, version, response, hosts, *names = line.split("\t")
        for host in filter(None, hosts.split(MARK)):
            found[int(number)].append(("quic" if version else "tls", host))
        kind = "dns-response" if response in ("1", "True") else "dns"
        for field, column in zip(DNS_NAMES, names):
            for name in filter(None, column.split(MARK)):
                found[int(number)].append((kind if field == "dns.qry.name" else "records",
                                           unescaped(name, 8)))
    return found


class OpenSsl:
    """A server that takes every version and cipher suite, and tells which name it was asked for."""

    def __init__(self):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old versions, on purpose
            self.context.minimum_version = ssl.TLSVersion.TLSv1
        self.context.set_ciphers("ALL:@SECLEVEL=0")
        self.context.sni_callback = lambda connection, name, context: self.heard.append(name)
        self.heard = []
        # A name that is not ASCII cannot be handed over; it is no host name.
        sys.unraisablehook = lambda _: None

    def name(self, message, protocol):
        if protocol == "quic":
            stream, whole, agreed = seeds.crypto_stream(message)
            if not whole or not agreed:
                return []  # the server closes the connection, or takes either octet
            message = b"".join(b"\x16\x03\x01" + len(piece).to_bytes(2, "big") + piece
                               for piece in (stream[at:at + 16000]
                                             for at in range(0, len(stream), 16000)))
        self.heard = []
        incoming = ssl.MemoryBIO()
        incoming.write(message)
        try:
            self.context.wrap_bio(incoming, ssl.MemoryBIO(), server_side=True).do_handshake()
        except ssl.SSLError:
            pass  # it has no certificate; the name was told before, or never
        return [name for name in self.heard if name is not None]


class Ldns:
    """The library itself: Debian's module for Python 3 takes no octets."""

    def __init__(self):
        self.library = ctypes.CDLL("libldns.so.3")
        self.c = ctypes.CDLL(None)
        for name, result in (("ldns_pkt_question", ctypes.c_void_p),
                             ("ldns_pkt_answer", ctypes.c_void_p),
                             ("ldns_rr_list2str", ctypes.c_void_p)):
            getattr(self.library, name).restype = result
            getattr(self.library, name).argtypes = [ctypes.c_void_p]
        self.library.ldns_pkt_free.argtypes = [ctypes.c_void_p]
        self.c.free.argtypes = [ctypes.c_void_p]

    def lines(self, records):
        text = self.library.ldns_rr_list2str(records)
        out = ctypes.string_at(text).decode("ascii")
        self.c.free(text)
        return [line.split() for line in out.splitlines() if not line.startswith(";;")]

    def names(self, message):
        """What a query asks for, or an answer leads to; nothing where the message is malformed."""
        packet = ctypes.c_void_p()
        if self.library.ldns_wire2pkt(ctypes.byref(packet), message, len(message)) != 0:
            return []
        names = [line[0] for line in self.lines(self.library.ldns_pkt_question(packet))]
        if message[2] & 0x80:
            for owner, _, _, kind, *data in self.lines(self.library.ldns_pkt_answer(packet)):
                if kind not in ("DNAME", "RRSIG"):
                    names.append(owner)
                if kind in ("CNAME", "DNAME"):
                    names.append(data[0])
        self.library.ldns_pkt_free(packet)
        return [unescaped(name[:-1]) for name in names]  # without the root's dot
