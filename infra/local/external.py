"""Stack `external`: servers that somebody else runs, by addresses and credentials of the settings."""

from graph.domain.errors import Invalid
from graph.store import bootstrap
from infra.local.base import StackError, together
from infra.local.kafka import ready as kafka
from streams.settings import Addresses


class ExternalStack:
    """A Kafka and a Neo4j that run already; neither is started or stopped here."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses

    async def start(self) -> Addresses:
        """The given addresses, once both answer; StackError says which setting is missing or wrong."""
        given = self._addresses
        if not given.kafka or not given.neo4j_uri:
            raise StackError("stack `external` needs REDTHREAD_KAFKA and REDTHREAD_NEO4J_URI")
        try:
            connection = given.kafka_connection
        except Invalid as error:
            raise StackError(error.message) from error
        await together(
            kafka.wait_until_ready(connection),
            bootstrap.wait_until_ready(given.neo4j_uri, given.neo4j_user, given.neo4j_password),
        )
        return given

    async def stop(self) -> None:
        """Stops nothing, since nothing was started here."""
