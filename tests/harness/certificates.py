"""A certificate authority and certificates for localhost, made by openssl for one run."""

import pathlib
import ssl
import subprocess


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


class Certificates:
    """Files in directory: ca.pem, and NAME.pem with NAME.key for each name."""

    def __init__(self, directory, names=("server", "client")):
        self.directory = pathlib.Path(directory)
        self.authority = self.directory / "ca.pem"
        key = self.directory / "ca.key"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 2,
                 "-subj", "/CN=weft test authority", "-keyout", key, "-out", self.authority)
        for name in names:
            self._issue(name, key)

    def _issue(self, name, authority_key):
        request, extensions = self.directory / f"{name}.csr", self.directory / f"{name}.ext"
        extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN=weft test {name}",
                 "-keyout", self.key(name), "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.authority, "-CAkey", authority_key, "-CAcreateserial",
                 "-days", 2, "-extfile", extensions, "-out", self.certificate(name))

    def certificate(self, name):
        return self.directory / f"{name}.pem"

    def key(self, name):
        return self.directory / f"{name}.key"

    def der(self, name):
        """As the other side of a handshake sees it."""
        return ssl.PEM_cert_to_DER_cert(self.certificate(name).read_text())

    def grpc_server(self, name="server", is_client_required=True):
        import grpc
        return grpc.ssl_server_credentials([(self.key(name).read_bytes(), self.certificate(name).read_bytes())],
                                           self.authority.read_bytes() if is_client_required else None, is_client_required)

    def grpc_client(self, name="client"):
        import grpc
        return grpc.ssl_channel_credentials(self.authority.read_bytes(), self.key(name).read_bytes(),
                                            self.certificate(name).read_bytes())
