"""Where Kafka answers and how its clients authenticate: one value for librdkafka, aiokafka and Faust."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graph.domain.errors import Invalid

CLIENT_ID: Final = "redthread"
"""Distinguishes our own clients from those of case systems, whose rate is limited while space is low."""
SETTINGS: Final = (
    "security.protocol",
    "sasl.mechanism",
    "sasl.username",
    "sasl.password",
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.key.location",
    "ssl.key.password",
)
"""Settings that all of our client libraries obey, by librdkafka's names."""
PROTOCOLS: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


@dataclass(frozen=True, slots=True)
class KafkaConnection:
    """Bootstrap addresses and SASL/TLS settings; a protocol means a plain connection where none is set.

    Raises Invalid for a setting or value that not every client library obeys: librdkafka knows many more than Faust,
    and a setting obeyed by half of the clients only is worse than none.
    """

    bootstrap: str
    security: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.security) - set(SETTINGS)):
            raise Invalid(
                f"REDTHREAD_KAFKA_SECURITY: {', '.join(unknown)} is not obeyed by all of Redthread's Kafka clients; "
                f"the settings are {', '.join(SETTINGS)}"
            )
        for value, allowed in ((self.protocol, PROTOCOLS), (self.mechanism, MECHANISMS)):
            if value not in allowed:
                raise Invalid(f"REDTHREAD_KAFKA_SECURITY: {value} is none of {', '.join(allowed)}")

    @property
    def protocol(self) -> str:
        return self.security.get("security.protocol", "PLAINTEXT").upper()

    @property
    def mechanism(self) -> str:
        """The SASL mechanism; without meaning for a protocol without SASL."""
        return self.security.get("sasl.mechanism", "SCRAM-SHA-512")

    @property
    def uses_sasl(self) -> bool:
        return self.protocol.startswith("SASL_")

    def librdkafka(self, **settings: Any) -> dict[str, Any]:
        """The configuration of a confluent-kafka client; `settings` have `_` for the dots of librdkafka's names.

        The library's own log is off: what matters reaches the caller as an error.
        """
        others = {name.replace("_", "."): value for name, value in settings.items()}
        security = {**self.security, "security.protocol": self.protocol}
        if self.uses_sasl:
            security["sasl.mechanism"] = self.mechanism
        return {"bootstrap.servers": self.bootstrap, "log_level": 0, **security, **others}

    def aiokafka(self) -> dict[str, Any]:
        """The keyword arguments of an aiokafka client."""
        return {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self.protocol,
            "ssl_context": self.ssl_context(),
            "sasl_mechanism": self.mechanism,
            "sasl_plain_username": self.security.get("sasl.username"),
            "sasl_plain_password": self.security.get("sasl.password"),
        }

    def ssl_context(self) -> ssl.SSLContext | None:
        """The TLS context, which verifies the broker's certificate and host name; None for a protocol without TLS.

        Raises OSError where a file cannot be read.
        """
        if not self.protocol.endswith("SSL"):
            return None
        context = ssl.create_default_context(cafile=self.security.get("ssl.ca.location"))
        if certificate := self.security.get("ssl.certificate.location"):
            key, password = self.security.get("ssl.key.location"), self.security.get("ssl.key.password")
            context.load_cert_chain(certificate, key, password)
        return context
