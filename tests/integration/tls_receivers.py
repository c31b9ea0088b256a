# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Destinations whose TLS is right or wrong, each in its own way: zones, mail servers, and their MTA-STS policies."""

from __future__ import annotations

import datetime
import typing as t

import signed_zones
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from signed_zones import BROKEN, NET4, PLAIN, SIGNED, SignedZones, Zone

POLICIES = f"{NET4}.70"

MAIN = """
compatibility_level = 3.6
maillog_file = /var/log/postfix.log
myhostname = receivers.test
inet_interfaces = all
mydestination =
relay_domains = test, .test
relay_transport = discard
smtpd_relay_restrictions = reject_unauth_destination
"""
# One file with all names: the daemon asks for one policy per domain.
HTTPS = """
import http.server, ssl, sys

class Policies(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        domain = self.headers["Host"].partition(":")[0].replace("mta-sts.", "", 1)
        text = f"version: STSv1\\r\\nmode: enforce\\r\\nmx: mx.{domain}\\r\\nmax_age: 86400\\r\\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

server = http.server.ThreadingHTTPServer((sys.argv[1], 443), Policies)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/etc/receivers/policies.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""

USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


class Destination(t.NamedTuple):
    """A domain with one server. ``trusted`` is a certificate of the authority, else it is self-signed."""

    number: int
    kind: str = PLAIN
    tls: bool = True
    trusted: bool = False
    tlsa: str = ""
    sts: bool = False

    @property
    def address(self) -> str:
        return f"{NET4}.{self.number}"


DESTINATIONS = {
    "dane.test": Destination(61, SIGNED, tlsa="good"),
    "misfit.test": Destination(62, SIGNED, trusted=True, tlsa="bad"),
    "bogus.test": Destination(63, BROKEN, tlsa="good"),
    "sts.test": Destination(64, trusted=True, sts=True),
    "forged.test": Destination(65, sts=True),
    "both.test": Destination(66, SIGNED, tlsa="good", sts=True),
    "override.test": Destination(67, SIGNED, trusted=True, tlsa="bad", sts=True),
    "clear.test": Destination(68, tls=False),
    "forced.test": Destination(69, tls=False),
}


class Certificate(t.NamedTuple):
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        encoding = serialization.Encoding.PEM
        key = self.key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return (key + self.certificate.public_bytes(encoding)).decode()

    @property
    def digest(self) -> str:
        """SHA-256 of the public key, for a TLSA record 3 1 1."""
        spki = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        digest = hashes.Hash(hashes.SHA256())
        digest.update(spki)
        return digest.finalize().hex()


def certificate(names: t.Sequence[str], authority: Certificate | None = None, is_ca: bool = False) -> Certificate:
    """Make a certificate, self-signed without an authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.datetime.now(datetime.timezone.utc)
    issuer = authority.key.public_key() if authority else key.public_key()
    usage = dict.fromkeys(USAGES, False)
    usage.update(dict.fromkeys(("key_cert_sign", "crl_sign") if is_ca else ("digital_signature",), True))
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.certificate.subject if authority else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        # Python 3.13 asks for all that RFC 5280, 4.2.1 says.
        .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False)
    )
    if not is_ca:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False)
    return Certificate(builder.sign(authority.key if authority else key, hashes.SHA256()), key)


class Receivers:
    """The destinations, in the container of their zones. ``authority`` is the certificate to trust."""

    def __init__(self) -> None:
        self.authority = certificate(["Authority of the tests"], is_ca=True)
        self.certificates = {
            domain: certificate([f"mx.{domain}"], self.authority if destination.trusted else None)
            for domain, destination in DESTINATIONS.items()
        }
        self.zones = SignedZones({domain: Zone(self._zone(domain), d.kind) for domain, d in DESTINATIONS.items()})

    def _zone(self, domain: str) -> str:
        destination = DESTINATIONS[domain]
        digest = {"good": self.certificates[domain].digest, "bad": "0" * 64, "": ""}[destination.tlsa]
        lines = ["@ MX 10 mx", f"mx A {destination.address}"]
        lines += [f"_25._tcp.mx TLSA 3 1 1 {digest}"] if digest else []
        lines += ['_mta-sts TXT "v=STSv1; id=1;"', f"mta-sts A {POLICIES}"] if destination.sts else []
        return "\n".join([*lines, ""])

    @property
    def network(self) -> str:
        return signed_zones.NAME

    @property
    def anchor(self) -> str:
        return self.zones.ds("test")

    def start(self) -> None:
        self.zones.start("postfix")
        addresses = [*(destination.address for destination in DESTINATIONS.values()), POLICIES]
        self.zones.run("".join(f"ip address add {address}/24 dev eth0\n" for address in addresses))
        names = [f"mta-sts.{domain}" for domain, destination in DESTINATIONS.items() if destination.sts]
        self.zones.write("/etc/receivers/policies.pem", certificate(names, self.authority).pem)
        self.zones.write("/etc/receivers/policies.py", HTTPS)
        self.zones.run(f"python3 /etc/receivers/policies.py {POLICIES} >/var/log/policies 2>&1 &")
        services = []
        for domain, destination in DESTINATIONS.items():
            path = f"/etc/receivers/{domain}.pem"
            self.zones.write(path, self.certificates[domain].pem)
            tls = f"-o smtpd_tls_security_level=may -o smtpd_tls_chain_files={path}" if destination.tls else ""
            services.append(f"{destination.address}:25 inet n - n - - smtpd {tls}")
        self.zones.write("/etc/postfix/main.cf", MAIN)
        self.zones.run(
            "cp /etc/postfix/master.cf.proto /etc/postfix/master.cf; sed -i '/^smtp .*inet/d' /etc/postfix/master.cf"
        )
        self.zones.write("/tmp/services", "\n".join(services))
        self.zones.run("cat /tmp/services >>/etc/postfix/master.cf; postfix check; postfix start >/dev/null 2>&1")

    def remove(self) -> None:
        self.zones.remove()
