"""connect() against the emulator's front, with the real H2OGPTE."""

from __future__ import annotations

import ssl
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from h2ogpte.errors import HTTPError, InternalServerError, UnauthorizedError

from entra_tokens import ConfigurationError, InvalidCredential, TokenProvider
from entra_tokens.credentials.client_secret import ClientSecret
from entra_tokens.h2ogpte import connect
from entra_tokens.testing import ScriptedCredential
from h2ogpte import H2OGPTE

if TYPE_CHECKING:
    from collections.abc import Callable

    from entra_tokens.emulator import Emulator

SCHEMES = ["Bearer-Token", "Bearer-AD"]

FORBIDDEN = UnauthorizedError, HTTPError  # before 1.7.0


def asked(e: Emulator) -> list[tuple[str, bool]]:
    """The scheme of each authenticated request, and whether it was accepted."""
    return [(record.scheme, record.verified) for record in e.front.records]


@pytest.mark.parametrize("scheme", ["auto", *SCHEMES])
class TestEveryKindOfCall:
    def test_it_is_the_real_client(self, e: Emulator, provider: TokenProvider, scheme: Any) -> None:
        client = connect(e.h2ogpte_url, provider, scheme=scheme, verify=e.ca_file)
        assert isinstance(client, H2OGPTE)
        assert client.get_meta().username  # rpc
        assert client.count_collections() == 1  # REST
        with client.connect(client.create_chat_session()) as session:
            reply = session.query("hello", timeout=10)
        assert reply is not None
        assert reply.content == "You asked: hello"
        expected = "Bearer-Token" if scheme == "auto" else scheme
        assert set(asked(e)) == {(expected, True)}
        assert e.front.leaked_refresh_tokens == 0

    def test_renewed_under_a_running_client(self, e: Emulator, provider: TokenProvider, scheme: Any) -> None:
        client = connect(e.h2ogpte_url, provider, scheme=scheme, verify=e.ca_file)
        for _ in range(3):
            e.advance(3601)
            assert client.get_meta().username
            assert client.count_collections() == 1
            with client.connect(client.create_chat_session()) as session:
                assert session.query("hello", timeout=10)
        assert e.front.refused == 0
        assert max(map(len, e.front.tokens_by_client.values())) == 4

    def test_an_open_session_reconnects_with_the_new_token(
        self, e: Emulator, provider: TokenProvider, scheme: Any
    ) -> None:
        client = connect(e.h2ogpte_url, provider, scheme=scheme, verify=e.ca_file)
        session = client.connect(client.create_chat_session())
        with session:
            session.query("before", timeout=10)
            e.advance(3601)
            session.disconnect()
            session.connect()
            reply = session.query("after", timeout=10)
        assert reply is not None
        assert reply.content == "You asked: after"
        upgrades = [record.token_digest for record in e.front.records if record.method == "WEBSOCKET"]
        assert len(set(upgrades)) == 2
        assert e.front.refused == 0


class TestAuto:
    def test_asks_once_where_the_first_is_accepted(self, e: Emulator, provider: TokenProvider) -> None:
        connect(e.h2ogpte_url, provider, verify=e.ca_file)
        # The question, and the constructor's own version check.
        assert asked(e) == [("Bearer-Token", True)] * 2
        assert len(e.token_requests) == 1

    def test_falls_back_on_401(self, e: Emulator, provider: TokenProvider) -> None:
        e.front.schemes = frozenset({"Bearer-AD"})
        client = connect(e.h2ogpte_url, provider, verify=e.ca_file)
        assert asked(e) == [("Bearer-Token", False), ("Bearer-AD", True), ("Bearer-AD", True)]
        assert client.count_collections() == 1
        # No renewal rule took the 401 for a refused token.
        assert len(e.token_requests) == 1

    @pytest.mark.parametrize("body", ["json", "html", "empty"])
    def test_refused_under_both(self, e: Emulator, provider: TokenProvider, body: str) -> None:
        e.front.schemes, e.front.refusal_body = frozenset(), body
        with pytest.raises(UnauthorizedError):
            connect(e.h2ogpte_url, provider, verify=e.ca_file)
        # The two questions, and then the client's own, to which the rule for 401s applies.
        assert asked(e) == [("Bearer-Token", False), ("Bearer-AD", False), *[("Bearer-Token", False)] * 2]
        assert len(e.token_requests) == 2

    @pytest.mark.parametrize(("status", "error"), [(403, FORBIDDEN), (500, InternalServerError)])
    def test_no_second_scheme_on_anything_else(
        self, e: Emulator, provider: TokenProvider, status: int, error: Any
    ) -> None:
        fault = e.fail("h2ogpte", status=status)
        with pytest.raises(error):
            connect(e.h2ogpte_url, provider, verify=e.ca_file)
        assert fault.met == 2  # the question, and the client's own version check
        assert asked(e) == []

    def test_no_redirect_is_followed(self, e: Emulator, provider: TokenProvider) -> None:
        e.fail("h2ogpte", status=302, headers={"Location": f"{e.h2ogpte_url}/rpc/elsewhere"}, times=1)
        client = connect(e.h2ogpte_url, provider, verify=e.ca_file)
        assert client.count_collections() == 1
        assert {record.path for record in e.front.records} == {"/rpc/meta", "/api/v1/collections/count"}
        assert {record.scheme for record in e.front.records} == {"Bearer-Token"}

    def test_a_server_that_cannot_be_reached(self, e: Emulator, provider: TokenProvider) -> None:
        e.fail("h2ogpte", fault="refuse")
        with pytest.raises(requests.ConnectionError):
            connect(e.h2ogpte_url, provider, verify=e.ca_file)

    def test_the_version_header_is_the_clients_choice(self, e: Emulator, provider: TokenProvider) -> None:
        # Without it the front answers with its own version, which is the client's; nothing is printed either way.
        assert connect(e.h2ogpte_url, provider, verify=e.ca_file, send_client_version=False).count_collections() == 1

    def test_an_untrusted_server_gets_no_token(self, e: Emulator, provider: TokenProvider) -> None:
        with pytest.raises(requests.exceptions.SSLError):
            connect(e.h2ogpte_url, provider)
        assert asked(e) == []


class TestTheProvider:
    @pytest.mark.parametrize("scheme", ["auto", *SCHEMES])
    def test_none_is_the_default_credential(self, e: Emulator, monkeypatch: pytest.MonkeyPatch, scheme: Any) -> None:
        for name, value in e.environ("client_secret").items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("ENTRA_TOKENS_SCOPE", e.h2ogpte_scope)
        assert connect(e.h2ogpte_url, scheme=scheme, verify=e.ca_file).count_collections() == 1

    def test_no_scope_anywhere(self, e: Emulator, credential: ClientSecret) -> None:
        with pytest.raises(ConfigurationError, match="No scope"):
            connect(e.h2ogpte_url, credential, verify=e.ca_file)

    @pytest.mark.parametrize("scheme", ["auto", *SCHEMES])
    def test_a_credential_is_wrapped(self, e: Emulator, credential: ClientSecret, scheme: Any) -> None:
        client = connect(e.h2ogpte_url, credential, scope=e.h2ogpte_scope, scheme=scheme, verify=e.ca_file)
        assert client.count_collections() == 1

    def test_one_of_azure_identity_is_wrapped(self, e: Emulator) -> None:
        from azure.identity import ClientSecretCredential

        with ClientSecretCredential(
            e.tenant_id,
            e.client_id,
            e.client_secret,
            authority=e.authority,
            disable_instance_discovery=True,
            connection_verify=e.ca_file,
        ) as foreign:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("REQUESTS_CA_BUNDLE", e.ca_file)
                client = connect(e.h2ogpte_url, foreign, scope=e.h2ogpte_scope, verify=e.ca_file)
            assert client.count_collections() == 1

    @pytest.mark.parametrize("scheme", ["auto", *SCHEMES])
    def test_the_wrong_face_is_turned_round(self, e: Emulator, provider: TokenProvider, scheme: Any) -> None:
        client = connect(e.h2ogpte_url, provider.as_async(), scheme=scheme, verify=e.ca_file)
        assert client.count_collections() == 1
        assert e.front.refused == 0

    def test_a_scope_beside_a_provider_is_meant(self, e: Emulator, credential: ClientSecret) -> None:
        other = TokenProvider(credential, "api://somebody-else")
        assert connect(e.h2ogpte_url, other, scope=e.h2ogpte_scope, verify=e.ca_file).count_collections() == 1

    def test_somebody_elses_provider(self, e: Emulator) -> None:
        import h2o_authn

        foreign: Any = h2o_authn.TokenProvider(
            refresh_token="r", client_id="c", issuer_url="https://issuer.example", http_ssl_context=False
        )
        with pytest.raises(ConfigurationError, match="token_provider="):
            connect(e.h2ogpte_url, foreign, verify=e.ca_file)

    @pytest.mark.parametrize("given", ["eyJ0.SECRETMARKER.x", ClientSecret, 7, object()])
    def test_what_is_no_provider(self, e: Emulator, given: Any) -> None:
        with pytest.raises(ConfigurationError) as raised:
            connect(e.h2ogpte_url, given, scope=e.h2ogpte_scope, verify=e.ca_file)
        assert "SECRETMARKER" not in str(raised.value)

    @pytest.mark.parametrize("scheme", ["auto", *SCHEMES])
    def test_its_error_arrives_unchanged(self, e: Emulator, scheme: Any) -> None:
        wrong = ClientSecret(e.tenant_id, e.client_id, "wrong", authority=e.authority, verify=e.ca_file)
        with pytest.raises(InvalidCredential) as raised:
            connect(e.h2ogpte_url, TokenProvider(wrong, e.h2ogpte_scope), scheme=scheme, verify=e.ca_file)
        assert type(raised.value) is InvalidCredential
        assert raised.value.codes == (7000215,)

    @pytest.mark.parametrize("scheme", SCHEMES)
    def test_its_error_arrives_unchanged_from_a_running_client(
        self, e: Emulator, provider: TokenProvider, scheme: Any
    ) -> None:
        client = connect(e.h2ogpte_url, provider, scheme=scheme, verify=e.ca_file)
        e.advance(4000)
        e.fail("token", error="invalid_client")
        for call in (client.get_meta, client.count_collections, client.connect("some-session").connect):
            with pytest.raises(InvalidCredential):
                call()
        e.heal("token")
        e.advance(10)
        assert client.count_collections() == 1


class TestBadInput:
    @pytest.mark.parametrize(
        "options", [{"api_key": "k"}, {"azure_token": "a"}, {"token_provider": object()}], ids=lambda o: next(iter(o))
    )
    @pytest.mark.parametrize("scheme", ["auto", *SCHEMES])
    def test_a_second_method_is_the_clients_own_error(
        self, e: Emulator, provider: TokenProvider, options: dict[str, Any], scheme: Any
    ) -> None:
        with pytest.raises(RuntimeError, match=r"mutually exclusive\. Please provide exactly one"):
            connect(e.h2ogpte_url, provider, scheme=scheme, verify=e.ca_file, **options)
        assert asked(e) == []
        assert e.requests == []

    def test_a_second_method_that_is_none_is_not_given(self, e: Emulator, provider: TokenProvider) -> None:
        client = connect(e.h2ogpte_url, provider, verify=e.ca_file, api_key=None, token_provider=None, azure_token=None)
        assert client.count_collections() == 1

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer-ad", "", None, "Bearer-AD "])
    def test_an_unknown_scheme(self, e: Emulator, provider: TokenProvider, scheme: Any) -> None:
        with pytest.raises(ConfigurationError, match="scheme must be one of 'auto', 'Bearer-Token', 'Bearer-AD'"):
            connect(e.h2ogpte_url, provider, scheme=scheme)

    @pytest.mark.parametrize("verify", [object(), "", 1, ssl.create_default_context()])
    def test_a_verify_that_sockets_would_take_for_false(
        self, e: Emulator, provider: TokenProvider, verify: Any
    ) -> None:
        with pytest.raises(ConfigurationError, match="verify must be"):
            connect(e.h2ogpte_url, provider, verify=verify)

    def test_a_ca_file_as_a_path(self, e: Emulator, provider: TokenProvider) -> None:
        assert connect(e.h2ogpte_url, provider, verify=Path(e.ca_file)).count_collections() == 1

    def test_a_misspelt_option(self, e: Emulator, provider: TokenProvider) -> None:
        with pytest.raises(TypeError, match="verifi"):
            connect(e.h2ogpte_url, provider, scheme="Bearer-Token", verifi=e.ca_file)


class TestNetrc:
    @pytest.fixture(params=["machine localhost", "default"])
    def netrc(self, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file = tmp_path / "netrc"
        file.write_text(f"{request.param} login somebody password something\n")
        file.chmod(0o600)
        monkeypatch.setenv("NETRC", str(file))

    @pytest.mark.usefixtures("netrc")
    def test_an_entry_that_the_client_would_send_instead(self, e: Emulator, provider: TokenProvider) -> None:
        with pytest.raises(ConfigurationError, match=r"\.netrc") as raised:
            connect(e.h2ogpte_url, provider, verify=e.ca_file)
        assert "something" not in str(raised.value)

    @pytest.mark.usefixtures("netrc")
    def test_the_remedy_that_the_message_names(
        self, e: Emulator, provider: TokenProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NETRC", "/dev/null")
        assert connect(e.h2ogpte_url, provider, verify=e.ca_file).count_collections() == 1

    @pytest.mark.usefixtures("netrc")
    def test_the_question_takes_no_notice(self, e: Emulator, provider: TokenProvider) -> None:
        from entra_tokens.h2ogpte import probe

        answer = probe.ask(e.h2ogpte_url, provider.token(), {"verify": e.ca_file}, "1.7.5")
        assert answer == ("Bearer-Token", True)


class TestTheClientsPackage:
    @pytest.mark.parametrize("version", ["1.6.57", "1.4.0", "0.9", "1.6", "", "unknown"])
    def test_too_old(self, without_h2ogpte: Callable[[Any], None], provider: TokenProvider, version: str) -> None:
        without_h2ogpte(types.SimpleNamespace(__version__=version, H2OGPTE=H2OGPTE, H2OGPTEAsync=object))
        with pytest.raises(ConfigurationError, match=r'1\.6\.58 .*pip install "entra-tokens\[h2ogpte\]"'):
            connect("https://localhost:1", provider)

    @pytest.mark.parametrize("version", ["1.6.58", "1.7.0", "1.7.3.post1", "1.8.0rc1", "2.0"])
    def test_new_enough(
        self, e: Emulator, without_h2ogpte: Callable[[Any], None], provider: TokenProvider, version: str
    ) -> None:
        without_h2ogpte(types.SimpleNamespace(__version__=version, H2OGPTE=H2OGPTE, H2OGPTEAsync=object))
        assert connect(e.h2ogpte_url, provider, verify=e.ca_file)

    def test_missing(self, without_h2ogpte: Callable[[Any], None], provider: TokenProvider) -> None:
        without_h2ogpte(None)
        with pytest.raises(ConfigurationError, match=r'not installed: pip install "entra-tokens\[h2ogpte\]"'):
            connect("https://localhost:1", provider)


def test_a_provider_shared_by_clients_makes_one_request(e: Emulator, provider: TokenProvider) -> None:
    for scheme in SCHEMES:
        connect(e.h2ogpte_url, provider, scheme=scheme, verify=e.ca_file)  # type: ignore[arg-type]
        connect(e.h2ogpte_url, provider.as_async(), scheme=scheme, verify=e.ca_file)  # type: ignore[arg-type]
    assert len(e.token_requests) == 1


def test_a_bearer_ad_client_waits_for_its_token_even_in_a_notebook(e: Emulator, provider: TokenProvider) -> None:
    import asyncio

    async def a_cell() -> int:
        # What runs in a notebook's cell runs inside its event loop, synchronous or not.
        client = connect(e.h2ogpte_url, provider, scheme="Bearer-AD", verify=e.ca_file)
        e.advance(4000)
        return int(client.count_collections())

    assert asyncio.run(a_cell()) == 1


def test_a_token_that_is_not_renewed_is_refused(e: Emulator) -> None:
    """So that the tests above can fail."""
    stuck = TokenProvider(ScriptedCredential(lifetime=3600.0), e.h2ogpte_scope)
    with pytest.raises(UnauthorizedError):
        connect(e.h2ogpte_url, stuck, scheme="Bearer-Token", verify=e.ca_file)
