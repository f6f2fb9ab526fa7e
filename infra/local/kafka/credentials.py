"""Who may enter the local Kafka: one account, generated once, in a file for its owner's processes and case systems."""

import json
import secrets
from pathlib import Path

from pydantic import TypeAdapter

from graph.atomic import write_whole
from infra.local.base import StackError

FILE = "kafka-client.json"
"""In the data folder: address and account by librdkafka's names, as `confluent_kafka` takes them."""
USER = "redthread"
BOOTSTRAP = "bootstrap.servers"
PROPERTIES = """\
listener.security.protocol.map=CONTROLLER:SASL_PLAINTEXT,CLIENTS:SASL_PLAINTEXT
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.controller.protocol=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.controller.plain.sasl.jaas.config={broker};
listener.name.clients.plain.sasl.jaas.config={broker} user_{user}="{password}";
"""
LOGIN = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required "
    'username="broker" password="{secret}" user_broker="{secret}"'
)


def ensure(data: Path, bootstrap: str) -> dict[str, str]:
    """The clients' SASL settings; the file in the data folder has them, with this address.

    The password is generated where there is no file yet. Raises StackError where there is one that can't be read.
    """
    known = read(data) or {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": USER,
        "sasl.password": secrets.token_urlsafe(24),
    }
    write_whole(data / FILE, json.dumps({BOOTSTRAP: bootstrap, **known}, indent=2) + "\n")
    return known


def read(data: Path) -> dict[str, str]:
    """The clients' SASL settings; empty where there is no file: a Kafka that an older release started asks for none."""
    path = data / FILE
    try:
        known = TypeAdapter(dict[str, str]).validate_json(path.read_bytes())
        if "sasl.password" in known:
            return {name: value for name, value in known.items() if name != BOOTSTRAP}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        pass  # refused below, outside of the error that quotes what it read
    raise StackError(
        f"{path} can't be read: stop it (`redthread down`), then put the file back from a copy, or delete it for a new "
        "password, which case systems then need too"
    )


def properties(password: str) -> str:
    """The broker's lines: clients enter as USER; its own account, for its two listeners, is new at each start."""
    broker = LOGIN.format(secret=secrets.token_urlsafe(24))
    return PROPERTIES.format(broker=broker, user=USER, password=password)
