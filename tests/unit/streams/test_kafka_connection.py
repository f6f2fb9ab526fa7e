"""Kafka settings, by librdkafka's names, mean the same to Faust, aiokafka, librdkafka and the local broker."""

import datetime
import json
import re
import ssl
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

import faust
import pytest
from confluent_kafka import KafkaException, Producer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from faust.types.auth import AuthProtocol, SASLMechanism

from graph.domain.errors import Invalid
from infra.cli.common import settings
from infra.local.base import StackError
from infra.local.kafka import credentials as local
from streams.kafka.app import faust_credentials, make_app
from streams.kafka.connection import SETTINGS, KafkaConnection
from streams.settings import StreamSettings
from streams.topics import LINK_GROUP

SASL = {"sasl.username": "case-system", "sasl.password": "a secret"}
UNREACHED = "127.0.0.1:1"
HOST = "kafka.police.example"
KEY_PASSWORD = "of the key"


def credentials(security: dict[str, str]) -> Any:
    return faust_credentials(KafkaConnection(UNREACHED, security))


class Authority:
    """A certificate authority of the test's own, and what it signed, as files in `folder`."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.file = folder / f"{name}.pem"
        self._self = self._certificate(name, self._key, is_authority=True)
        self.file.write_bytes(self._self.public_bytes(Encoding.PEM))

    def sign(self, host: str, password: str = "") -> tuple[Path, Path]:
        """The files of a certificate for this host, and of its key, locked where there is a password."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, keys = (self._folder / f"{self._name}-{host}.{kind}" for kind in ("crt", "key"))
        certificate.write_bytes(self._certificate(host, key, is_authority=False).public_bytes(Encoding.PEM))
        lock = BestAvailableEncryption(password.encode()) if password else NoEncryption()
        keys.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
        return certificate, keys

    def _certificate(self, host: str, key: ec.EllipticCurvePrivateKey, *, is_authority: bool) -> x509.Certificate:
        def named(name: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder(named(self._name), named(host), key.public_key(), x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        return builder.sign(self._key, hashes.SHA256())


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "police")


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, host: str = HOST) -> None:
    """A TLS handshake in memory; raises ssl.SSLError where either refuses the other."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=host),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(10):
        for end in ends:
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    for end in ends:
        end.do_handshake()


def broker(authority: Authority, host: str = HOST, *, asks: bool = False) -> ssl.SSLContext:
    """A broker's side of TLS; it `asks` for a certificate of the client's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.sign(host))
    context.load_verify_locations(authority.file)
    context.verify_mode = ssl.CERT_REQUIRED if asks else ssl.CERT_NONE
    return context


@pytest.mark.parametrize("security", [{}, {"security.protocol": "PLAINTEXT"}, {"security.protocol": "plaintext"}])
def test_a_plain_connection_has_no_credentials(security: dict[str, str]) -> None:
    assert credentials(security) is None


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_an_account_without_tls(mechanism: str) -> None:
    found = credentials({"security.protocol": "sasl_plaintext", "sasl.mechanism": mechanism, **SASL})

    assert isinstance(found, faust.SASLCredentials)
    assert (found.protocol, found.mechanism) == (AuthProtocol.SASL_PLAINTEXT, SASLMechanism(mechanism))
    assert (found.username, found.password, found.ssl_context) == ("case-system", "a secret", None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sasl.mechanism", "MAGIC"),
        ("sasl.mechanism", "OAUTHBEARER"),
        ("security.protocol", "SASL"),
        ("sasl.mechanisms", "PLAIN"),
        ("ssl.ca.pem", "-----BEGIN CERTIFICATE-----"),
        ("ssl.endpoint.identification.algorithm", "none"),
        ("enable.ssl.certificate.verification", "false"),
        ("socket.timeout.ms", "1000"),
    ],
)
def test_what_one_client_library_would_ignore_is_refused_with_its_name_and_not_its_secrets(
    name: str, value: str
) -> None:
    """Symptom: `sasl.mechanisms` or `ssl.ca.pem` worked in commands and was ignored by the workers.

    Cause: librdkafka obeys many names that Faust's credentials were never made from.
    """
    with pytest.raises(Invalid, match=re.escape(value if name in SETTINGS else name)) as refused:
        KafkaConnection(UNREACHED, {"security.protocol": "SASL_SSL", **SASL, name: value})
    assert "a secret" not in refused.value.message


def test_without_a_mechanism_all_libraries_take_the_same_one() -> None:
    """librdkafka's own default is Kerberos."""
    connection = KafkaConnection(UNREACHED, {"security.protocol": "SASL_PLAINTEXT", **SASL})

    assert faust_credentials(connection).mechanism == SASLMechanism.SCRAM_SHA_512
    assert connection.librdkafka()["sasl.mechanism"] == connection.aiokafka()["sasl_mechanism"] == "SCRAM-SHA-512"


@pytest.mark.parametrize("protocol", ["SSL", "SASL_SSL"])
def test_tls_believes_the_named_authority_only(authority: Authority, tmp_path: Path, protocol: str) -> None:
    found = credentials({"security.protocol": protocol, "ssl.ca.location": str(authority.file), **SASL})
    context = found.context if protocol == "SSL" else found.ssl_context
    assert found.protocol == AuthProtocol(protocol)

    shake_hands(context, broker(authority))
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(context, broker(Authority(tmp_path, "stranger")))
    with pytest.raises(ssl.SSLCertVerificationError, match="ostname"):
        shake_hands(context, broker(authority, "other.example"))


def test_tls_without_a_named_authority_believes_the_systems(authority: Authority) -> None:
    context = credentials({"security.protocol": "SSL"}).context

    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(context, broker(authority))


@pytest.mark.parametrize("password", ["", KEY_PASSWORD])
def test_a_clients_own_certificate_is_shown_to_a_broker_that_asks(authority: Authority, password: str) -> None:
    certificate, key = authority.sign("worker", password)
    security = {"security.protocol": "SSL", "ssl.ca.location": str(authority.file)}
    with pytest.raises(ssl.SSLError):
        shake_hands(credentials(security).context, broker(authority, asks=True))

    security |= {"ssl.certificate.location": str(certificate), "ssl.key.location": str(key)}
    security |= {"ssl.key.password": password} if password else {}
    shake_hands(credentials(security).context, broker(authority, asks=True))


def test_a_file_that_is_not_there_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        credentials({"security.protocol": "SSL", "ssl.ca.location": str(tmp_path / "none.pem")})


@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
def test_aiokafka_takes_the_same_settings(authority: Authority, protocol: str) -> None:
    security = {
        "security.protocol": protocol,
        "sasl.mechanism": "PLAIN",
        **SASL,
        "ssl.ca.location": str(authority.file),
    }

    found = KafkaConnection(UNREACHED, security).aiokafka()

    account = found["sasl_mechanism"], found["sasl_plain_username"], found["sasl_plain_password"]
    assert (found["bootstrap_servers"], found["security_protocol"]) == (UNREACHED, protocol)
    assert account == ("PLAIN", "case-system", "a secret")
    if protocol == "SASL_SSL":
        shake_hands(found["ssl_context"], broker(authority))
    else:
        assert found["ssl_context"] is None


def test_librdkafka_takes_the_same_settings(authority: Authority) -> None:
    """Its constructor refuses names and values that it does not know, and files that it cannot use."""
    certificate, key = authority.sign("worker", KEY_PASSWORD)
    tls = {
        "ssl.ca.location": str(authority.file),
        "ssl.certificate.location": str(certificate),
        "ssl.key.location": str(key),
        "ssl.key.password": KEY_PASSWORD,
    }
    for security in (
        {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", **SASL},
        {"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512", **SASL, **tls},
        {"security.protocol": "SSL", **tls},
    ):
        assert credentials(security) is not None
        connection = KafkaConnection(UNREACHED, security)
        Producer(connection.librdkafka(linger_ms=5))
        with pytest.raises(KafkaException):
            Producer(connection.librdkafka(sasl_word="unknown"))


def test_the_workers_app_uses_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    security = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", **SASL}
    monkeypatch.setenv("REDTHREAD_KAFKA_SECURITY", json.dumps(security))
    chosen = StreamSettings(kafka=UNREACHED, data=tmp_path)
    assert chosen.kafka_connection == KafkaConnection(UNREACHED, security)
    assert "a secret" not in repr(chosen.kafka_connection)

    app = make_app(LINK_GROUP, chosen.kafka_connection, chosen.faust_folder, session_timeout_s=6.0)

    found = app.conf.broker_credentials
    assert (found.username, found.password, found.protocol) == ("case-system", "a secret", AuthProtocol.SASL_PLAINTEXT)
    assert "a secret" not in repr(found)


@pytest.mark.parametrize(
    "given", ['["a secret"]', '{"sasl.password": {"a secret": 1}}', '{"a secret', '"a secret"', "5"]
)
def test_settings_that_are_no_object_of_texts_are_refused_without_quoting_them(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("REDTHREAD_KAFKA_SECURITY", given)

    with pytest.raises(Invalid, match=r"setting REDTHREAD_KAFKA_SECURITY: .*a JSON object of texts") as refused:
        settings()
    assert "a secret" not in refused.value.message


def test_the_local_account_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    made = local.ensure(tmp_path, "127.0.0.1:9")
    again = local.ensure(tmp_path, "127.0.0.1:10")

    assert made == again == local.read(tmp_path)
    assert len(made["sasl.password"]) >= 32
    assert isinstance(credentials(made), faust.SASLCredentials)
    file = tmp_path / local.FILE
    assert json.loads(file.read_text()) == {"bootstrap.servers": "127.0.0.1:10", **made}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.unlink()
    assert local.ensure(tmp_path, "127.0.0.1:9")["sasl.password"] != made["sasl.password"]


def test_a_kafka_of_an_older_release_has_no_account(tmp_path: Path) -> None:
    assert local.read(tmp_path) == {}


@pytest.mark.parametrize("damaged", ["", "[]", "{}", '{"sasl.password": 5}', '{"sasl.password": "a secret"'])
def test_a_damaged_account_is_neither_replaced_nor_quoted(tmp_path: Path, damaged: str) -> None:
    (tmp_path / local.FILE).write_text(damaged)

    with pytest.raises(StackError, match="can't be read") as refused:
        local.ensure(tmp_path, "127.0.0.1:9")

    assert (tmp_path / local.FILE).read_text() == damaged
    assert "a secret" not in refused.value.message


def test_every_listener_of_the_local_broker_asks_who_enters() -> None:
    lines = local.properties("a secret")

    mapped = re.search(r"^listener\.security\.protocol\.map=(.*)$", lines, re.MULTILINE)
    assert mapped
    assert {each.split(":")[1] for each in mapped[1].split(",")} == {"SASL_PLAINTEXT"}
    clients, controller = (
        next(line for line in lines.splitlines() if line.startswith(f"listener.name.{name}."))
        for name in ("clients", "controller")
    )
    assert f'user_{local.USER}="a secret"' in clients
    assert local.USER not in controller.partition("=")[2]  # clients do not enter there
    assert local.properties("a secret") != lines  # the broker's own account is new at each start
