"""`[dialects.portainer]`: what Portainer keeps in its settings, and here stands in the configuration (§2.9)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from dragoman.core.upstream import LinkPolicy
from dragoman.settings import DialectSettings, Section
from dragoman.settings.values import Origins


class OAuthSettings(Section):
    """The provider that Portainer signs in through, while `authentication_method` is "oauth" (§2.9)."""

    client_id: str = Field(default="", description="What the provider knows this server as")
    client_secret: SecretStr = Field(default=SecretStr(""), description="What this server proves that with")
    authorization_uri: str = Field(default="", description="Where browsers are sent to sign in")
    access_token_uri: str = Field(default="", description="Where a code is exchanged for a token")
    resource_uri: str = Field(default="", description="Where the token finds out who somebody is")
    redirect_uri: str = Field(default="", description="Where the provider sends browsers back to")
    user_identifier: str = Field(default="", description="The fact about somebody that is their username")
    subject_identifier: str = Field(
        default="sub", description="The fact that is never somebody else's, by which they are known again"
    )
    issuer: str = Field(
        default="", description="The OpenID provider's issuer; without it id tokens are not believed"
    )
    link_accounts: LinkPolicy = Field(
        default="username", description="How somebody new finds the account they have here already"
    )
    scopes: str = Field(default="", description="What is asked of the provider, as it stands in the address")
    auto_create_users: bool = Field(default=False, description="Whether unknown users get an account")
    default_team_id: int = Field(default=0, ge=0, description="The team of accounts made so; 0 for none")
    sso: bool = Field(default=True, description="Whether a sign-in at the provider is enough")
    logout_uri: str = Field(default="", description="Where browsers are sent after they sign out")
    auth_style: Literal["auto", "params", "header"] = Field(
        default="auto", description="How the secret is sent: in the form, in the header, or whichever works"
    )


class PortainerSettings(DialectSettings):
    """`[dialects.portainer]`."""

    # "oauth" without a provider would let nobody in.
    only_configured = frozenset({"authentication_method"})

    authentication_method: Literal["internal", "oauth"] = Field(
        default="internal", description='How people sign in; with "oauth" only account 1 has a password'
    )
    session_hours: int = Field(default=8, ge=1, le=8760, description="Hours after which a session ends")
    required_password_length: int = Field(
        default=12, ge=1, le=72, description="Least bytes of a new password; shorter ones are to be changed"
    )
    force_secure_cookies: bool = Field(
        default=False, description="Whether cookies are for TLS alone, even if a request came without"
    )
    trusted_origins: Origins = Field(
        default=(), description="Origins of other pages that may send requests with the session's cookie"
    )
    oauth: OAuthSettings = Field(default_factory=OAuthSettings)

    @property
    def method(self) -> int:
        """The authentication method by its number (§2.7)."""
        return 3 if self.authentication_method == "oauth" else 1
