"""The API's settings: environment variables, read once at the composition root."""

from typing import Final, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from api.sign_in.keys import is_safe
from api.sign_in.tokens import Claims
from graph.settings import GraphSettings

LOOPBACK: Final = ("127.0.0.1", "::1")
DEVELOPMENT_ISSUER: Final = "urn:redthread:development"
"""The issuer of the local stack: its private key lies in the data folder, so no other service may believe it."""
WHY_LOOPBACK: Final = (
    "Whoever can read the development issuer's key can be anybody: with it the API listens on this machine only, and "
    "refuses any other address and any public name."
)


class Settings(GraphSettings):
    """Environment variables with prefix `REDTHREAD_`."""

    neo4j_uri: str = Field(description="Bolt address of Neo4j")
    neo4j_password: SecretStr = Field(description="Neo4j's password")
    api_host: str = Field(default=LOOPBACK[0], description="address to listen on")
    api_port: int = Field(default=8400, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    api_public_hosts: list[str] = Field(
        default_factory=list, description="names, besides this machine's own, under which the API is asked (JSON)"
    )
    api_upload_bytes: int = Field(
        default=64 * 1024 * 1024, gt=0, description="largest request with a file; it is held in memory"
    )
    oidc_issuer: str = Field(min_length=1, description="who issues the tokens, exactly as their claim `iss` says")
    oidc_audience: str = Field(default="redthread", min_length=1, description="whom tokens must be meant for (`aud`)")
    oidc_client_id: str = Field(
        default="", description="the client as which people sign in to the pages; without it the pages are closed"
    )
    oidc_client_secret: SecretStr = Field(default=SecretStr(""), description="the client's secret, if it has one")
    api_public_url: str = Field(
        default="", description="address at which browsers reach the API: https://redthread.example"
    )
    oidc_jwks: str = Field(default="", description="address of the issuer's keys; default: as its metadata say")
    oidc_actor_claim: str = Field(default="sub", min_length=1, description="claim with the name that the audit keeps")
    oidc_roles_claim: str = Field(default="roles", min_length=1, description="claim with the roles")
    oidc_district_claim: str = Field(default="district", min_length=1, description="claim with the district")

    @field_validator("api_public_hosts")
    @classmethod
    def _names_only(cls, hosts: list[str]) -> list[str]:
        if any(not host or not host.isascii() or set(host) & set("/:*@ ") for host in hosts):
            raise ValueError("names of hosts without scheme, port or wildcard")
        return hosts

    @model_validator(mode="after")
    def _issuer_and_addresses_agree(self) -> Self:
        """The development issuer is accepted on this machine only; any other issuer needs safe addresses."""
        if self.is_development:
            if not self.oidc_jwks.startswith("file:///"):
                raise ValueError("OIDC_JWKS: the development issuer's keys are a file: file:///...")
            if self.api_host not in LOOPBACK or self.hosts:
                raise ValueError(WHY_LOOPBACK)
        elif not is_safe(self.oidc_issuer) or (self.oidc_jwks and not is_safe(self.oidc_jwks)):
            raise ValueError("OIDC_ISSUER and OIDC_JWKS: https only, or http on this machine")
        if self.oidc_client_id and (not is_safe(self.api_public_url) or urlsplit(self.api_public_url).path.strip("/")):
            raise ValueError("API_PUBLIC_URL: with OIDC_CLIENT_ID, the pages' address without a path, under https")
        return self

    @property
    def is_development(self) -> bool:
        """Whether tokens come from the local stack's own issuer."""
        return self.oidc_issuer == DEVELOPMENT_ISSUER

    @property
    def hosts(self) -> list[str]:
        """Names, besides this machine's own, under which the API is asked."""
        name = urlsplit(self.api_public_url).hostname
        return [*self.api_public_hosts, *filter(None, [name])]

    @property
    def claims(self) -> Claims:
        return Claims(self.oidc_actor_claim, self.oidc_roles_claim, self.oidc_district_claim)
