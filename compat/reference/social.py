"""The routes of accounts at providers, whose servers are played by the tests behind a gateway."""

from types import SimpleNamespace

import httpx
from fastapi import APIRouter
from httpx_oauth.clients.discord import DiscordOAuth2
from httpx_oauth.clients.github import GitHubOAuth2
from httpx_oauth.clients.google import GoogleOAuth2
from httpx_oauth.clients.openid import OpenID
from httpx_oauth.clients.reddit import RedditOAuth2

CLIENTS = {
    "discord": DiscordOAuth2,
    "github": GitHubOAuth2,
    "google": GoogleOAuth2,
    "reddit": RedditOAuth2,
}


class Gateway(httpx.AsyncHTTPTransport):
    """Sends what goes to https://host/path to {address}/host/path."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = httpx.URL(address)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = b"/" + request.url.netloc + request.url.raw_path
        request.url = self.address.copy_with(raw_path=path)
        request.headers["host"] = self.address.netloc.decode()
        return await super().handle_async_request(request)


def go_through(address: str) -> None:
    """Not by `get_httpx_client`: the client of GitHub does not always ask it."""

    class Client(httpx.AsyncClient):
        def __init__(self, **options) -> None:
            super().__init__(transport=Gateway(address), **options)

    httpx.AsyncClient = Client


def client(name: str, settings: SimpleNamespace, gateway: str):
    if issuer := getattr(settings, "issuer", None):
        host = issuer.removeprefix("https://")
        document = f"{gateway}/{host}/.well-known/openid-configuration"
        return OpenID(settings.client_id, settings.client_secret, document, name)
    scopes = {"scopes": settings.scopes} if hasattr(settings, "scopes") else {}
    return CLIENTS[name](settings.client_id, settings.client_secret, **scopes)


def social_routes(users, config, backends, user_schema) -> APIRouter:
    router = APIRouter()
    if not (providers := vars(getattr(config, "oauth", SimpleNamespace()))):
        return router
    gateway = config.oauth_options.gateway
    go_through(gateway)
    secret = config.secrets.oauth_state
    by_name = {backend.name: backend for backend in backends}
    for name, settings in providers.items():
        oauth = client(name, settings, gateway)
        login = users.get_oauth_router(
            oauth,
            by_name[settings.backend],
            secret,
            associate_by_email=settings.associate_by_email,
            is_verified_by_default=settings.verified_by_default,
        )
        router.include_router(login, prefix=f"/auth/{name}", tags=["auth"])
        associate = users.get_oauth_associate_router(
            oauth, user_schema, secret, requires_verification=config.users.require_verified
        )
        router.include_router(associate, prefix=f"/auth/associate/{name}", tags=["auth"])
    return router
