"""Which stored token a provider takes instead of a new one. A process is played by an engine."""

from __future__ import annotations

import ssl
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from entra_tokens import (
    AuthorityUnavailable,
    AzureIdentity,
    Chain,
    ClientSecret,
    DeviceCode,
    Environment,
    FileStore,
    ManagedIdentity,
    RefreshPolicy,
    StaticToken,
    Token,
    TokenProvider,
    TokenRequest,
)
from entra_tokens.credentials.fingerprint import fingerprint
from entra_tokens.engine.key import key_of, key_under
from entra_tokens.testing import ManualClock, ScriptedCredential, fresh_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:The key that seals")
SCOPE = "api://app/.default"
T = "c82296cf-efc8-48ae-8a80-0e741e50ed17"


class Process:
    """An engine with one provider on the store."""

    def __init__(self, folder: Path, clock: ManualClock, identity: str = "app", **options: Any) -> None:
        self.clock = clock
        self.credential = ScriptedCredential(identity=("app", identity), **options)
        self._store = FileStore(folder)
        with fresh_engine(clock) as self.engine:
            self.provider = self.another()

    def another(self, scope: str = SCOPE, **options: Any) -> TokenProvider:
        return TokenProvider(self.credential, scope, store=self._store, **options)

    def token(self) -> str:
        return str(self.provider.token())

    def landed(self) -> None:
        """Wait for a background flight."""
        for flight in list(self.provider._cell._flights.values()):
            assert flight.landed.wait(30)

    @property
    def calls(self) -> int:
        return self.credential.calls


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def one(folder: Path, clock: ManualClock) -> Process:
    return Process(folder, clock)


def test_a_process_that_holds_nothing_takes_what_is_stored(one: Process, folder: Path, clock: ManualClock) -> None:
    one.token()
    clock.advance(100)
    two = Process(folder, clock)
    assert two.token() == "token-1"
    assert (one.calls, two.calls) == (1, 0)
    mine, theirs = one.provider.token(), two.provider.token()
    assert mine.expires_on == theirs.expires_on
    assert theirs.scopes == (SCOPE,)
    assert theirs.refresh_on == mine.refresh_on  # of the same life, with the same draw; not of what is left of it


def test_it_is_read_no_more_while_it_is_fresh(one: Process, folder: Path, clock: ManualClock) -> None:
    one.token()
    for file in (folder / "tokens").iterdir():
        file.unlink()
    clock.advance(2000)
    assert one.token() == "token-1"
    assert one.calls == 1


def test_an_expired_one_is_not_taken(one: Process, folder: Path, clock: ManualClock) -> None:
    one.token()
    clock.advance(3600)
    two = Process(folder, clock)
    two.credential.answer(lambda request: two.credential.issue("second", request))
    assert two.token() == "second"
    assert one.token() == "second"
    assert (one.calls, two.calls) == (1, 1)


def test_a_stale_one_serves_whoever_has_nothing_and_is_renewed_behind(
    one: Process, folder: Path, clock: ManualClock
) -> None:
    one.token()
    clock.advance(3000)
    two = Process(folder, clock)
    assert two.token() == "token-1"
    assert two.provider.status().state == "stale"
    assert two.token() == "token-1"
    two.landed()
    assert two.calls == 1


def test_a_renewal_is_made_once(one: Process, folder: Path, clock: ManualClock) -> None:
    """Both hold the first and are stale; the first to ask renews, the other takes that."""
    two = Process(folder, clock)
    one.token(), two.token()
    two.credential.answer(lambda request: two.credential.issue("second", request))
    clock.advance(2500)
    two.token()
    two.landed()
    assert two.token() == "second"
    one.token()
    one.landed()
    assert one.token() == "second"
    assert (one.calls, two.calls) == (1, 1)


def test_its_own_token_is_never_what_a_renewal_brings(one: Process, clock: ManualClock) -> None:
    one.token()
    clock.advance(2500)
    one.token()
    one.landed()
    assert one.token() == "token-2"


def test_an_older_one_is_not_taken(folder: Path, clock: ManualClock) -> None:
    """Its file came back from a backup, and is as good as new by its own account."""
    one = Process(folder, clock, lifetime=36_000)
    first = one.provider.token()
    (file,) = (folder / "tokens").iterdir()
    old = file.read_bytes()
    for number in (2, 3):
        clock.advance(100)
        assert one.provider.invalidate(first if number == 2 else "token-2")
        one.landed()
        assert one.token() == f"token-{number}"
        file.write_bytes(old)


def test_a_newer_one_that_is_stale_itself_is_not_taken(one: Process, folder: Path, clock: ManualClock) -> None:
    two = Process(folder, clock)
    first = one.provider.token()
    two.token()
    clock.advance(10)
    assert one.provider.invalidate(first)
    one.landed()
    clock.advance(2500)
    two.credential.answer(lambda request: two.credential.issue("newest", request))
    two.token()
    two.landed()
    assert two.token() == "newest"


def test_but_it_is_once_nothing_else_is_usable(one: Process, folder: Path, clock: ManualClock) -> None:
    two = Process(folder, clock)
    first = one.provider.token()
    two.token()
    clock.advance(1000)
    assert one.provider.invalidate(first)
    one.landed()
    clock.advance(2600)
    assert two.token() == "token-2"
    assert two.calls == 0


def test_a_newer_one_answers_no_challenge(one: Process, folder: Path, clock: ManualClock) -> None:
    two = Process(folder, clock)
    first = one.provider.token()
    two.token()
    clock.advance(10)
    assert one.provider.invalidate(first)
    one.landed()
    two.credential.answer(lambda request: two.credential.issue("for-the-challenge", request))
    assert two.provider.get_token(claims='{"a":1}').token == "for-the-challenge"


def test_a_refused_token_is_not_brought_back(one: Process, folder: Path, clock: ManualClock) -> None:
    two = Process(folder, clock)
    first = one.provider.token()
    two.token()
    assert one.provider.invalidate(first)
    one.landed()
    assert one.token() == "token-2"
    assert two.provider.invalidate(first)
    two.landed()
    assert two.token() == "token-2"  # which the other had got for the same reason
    assert (one.calls, two.calls) == (2, 0)


def test_a_challenge_is_answered_anew_and_for_all(one: Process, folder: Path, clock: ManualClock) -> None:
    one.token()
    clock.advance(1)
    assert one.provider.get_token(claims='{"a":1}').token == "token-2"
    assert Process(folder, clock).token() == "token-2"


def test_a_token_from_before_a_challenge_does_not_answer_it(one: Process, folder: Path, clock: ManualClock) -> None:
    """What another process had asked for earlier comes after the challenge was answered; it is older all the same."""
    one.token()
    clock.advance(2500)
    two = Process(folder, clock)
    two.token()
    assert two.provider.get_token(claims='{"a":1}').token == "token-1"
    assert two.calls == 1


@pytest.mark.parametrize("back", [61, 7200])
def test_one_from_the_future_is_not_taken(one: Process, folder: Path, clock: ManualClock, back: float) -> None:
    """Somebody set the clock back: nothing says when it really expires."""
    one.token()
    clock.set_wall(-back)
    two = Process(folder, clock)
    two.token()
    assert two.calls == 1


def test_what_the_boot_clock_has_ended_is_not_brought_back(one: Process, clock: ManualClock) -> None:
    """The machine slept for an hour, and woke with a wall clock that had not noticed."""
    one.token()
    clock.suspend(3600)
    assert one.token() == "token-2"


def test_scope_tenant_and_cae_have_their_own(one: Process, folder: Path, clock: ManualClock) -> None:
    one.token()
    one.provider.get_token("api://other/.default")
    one.provider.get_token(enable_cae=True)
    with fresh_engine(clock):
        TokenProvider(one.credential, SCOPE, store=FileStore(folder), tenant_id="other.example").token()
    assert one.calls == 4
    assert len(list((folder / "tokens").iterdir())) == 4


def test_another_identity_has_its_own(one: Process, folder: Path, clock: ManualClock) -> None:
    one.token()
    other = Process(folder, clock, identity="other")
    other.token()
    assert other.calls == 1


def test_a_failure_is_stored_nowhere(one: Process, folder: Path, clock: ManualClock) -> None:
    one.credential.answer(AuthorityUnavailable("down"))
    with pytest.raises(AuthorityUnavailable):
        one.token()
    two = Process(folder, clock)
    assert two.token() == "token-1"


def test_whoever_acquires_holds_the_others_back(one: Process, folder: Path, clock: ManualClock) -> None:
    two = Process(folder, clock)
    one.credential.hold()
    got: list[str] = []
    first = threading.Thread(target=lambda: got.append(one.token()))
    first.start()
    assert one.credential.wait_for_call()
    second = threading.Thread(target=lambda: got.append(two.token()))
    second.start()
    second.join(0.1)
    one.credential.release()
    for thread in (first, second):
        thread.join(30)
    assert got == ["token-1", "token-1"]
    assert two.calls == 0


def test_but_not_for_longer_than_they_can_wait(one: Process, folder: Path, clock: ManualClock) -> None:
    two = Process(folder, clock)
    patient = two.another(policy=RefreshPolicy(wait=0.2))
    one.credential.hold()
    first = threading.Thread(target=one.token)
    first.start()
    assert one.credential.wait_for_call()
    assert patient.token(timeout=20) == "token-1"
    assert two.calls == 1
    one.credential.release()
    first.join(30)


def test_without_a_store_nothing_of_it_is_loaded() -> None:
    import subprocess
    import sys

    script = (
        "import sys; from entra_tokens import StaticToken, TokenProvider;"
        "TokenProvider(StaticToken('x', 9e9), 'api://app').token();"
        "print(*sorted(set(sys.modules) & {'platformdirs', 'cryptography', 'keyring', 'entra_tokens.stores.file',"
        "'entra_tokens.stores.sign_ins', 'entra_tokens.engine.wanted'}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=20)
    assert done.stdout.strip() == ""


# The identity, for a store.

KEY, OTHER = b"k" * 32, b"o" * 32
PROXY = "http://user:MARKER@127.0.0.1:1"


def secret(value: Any = "MARKER-secret", **options: Any) -> ClientSecret:
    return ClientSecret(T, "client", value, **{"authority": "https://localhost", "proxy": "", **options})


def test_a_secret_is_a_digest_under_the_stores_key() -> None:
    one, two = secret(proxy=PROXY), secret(proxy=PROXY)
    assert one.identity_under(KEY) == two.identity_under(KEY)
    assert one.identity_under(KEY) != one.identity_under(OTHER)
    assert one.identity_under(KEY) != one.identity
    assert "MARKER" not in repr(one.identity_under(KEY))
    assert fingerprint("MARKER-secret", KEY) in (one.identity_under(KEY) or ())


@pytest.mark.parametrize(
    "other",
    [
        lambda: secret("another"),
        lambda: secret(verify=False),
        lambda: secret(proxy="http://127.0.0.1:2"),
        lambda: secret(authority="https://127.0.0.1"),
    ],
    ids=["secret", "verify", "proxy", "authority"],
)
def test_what_tells_credentials_apart_here_does_so_in_a_store(other: Any) -> None:
    assert secret().identity_under(KEY) != other().identity_under(KEY)


def test_a_callable_secret_is_its_value_at_this_moment() -> None:
    current = ["MARKER-secret"]
    one = secret(lambda: current[0])
    assert one.identity_under(KEY) == secret().identity_under(KEY)
    current[0] = "rotated"
    assert one.identity_under(KEY) == secret("rotated").identity_under(KEY)


@contextmanager
def variables(monkeypatch: pytest.MonkeyPatch, **values: str) -> Iterator[None]:
    with monkeypatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        yield


def test_nothing_is_stored_that_no_other_process_can_mean() -> None:
    class Foreign:
        def get_token(self, *scopes: str, **options: Any) -> Any: ...

    trusting = secret(verify=ssl.create_default_context())
    for credential in (trusting, StaticToken("x", 9e9), AzureIdentity(Foreign()), Chain(secret(), trusting)):
        assert key_under(KEY, credential, TokenRequest((SCOPE,))) is None
    nobody = DeviceCode("client", authority="https://localhost", proxy="")
    assert nobody.identity_under(KEY) is None


def test_the_others_are_the_same_in_every_process(monkeypatch: pytest.MonkeyPatch) -> None:
    with variables(monkeypatch, AZURE_TENANT_ID=T, AZURE_CLIENT_ID="client", AZURE_CLIENT_SECRET="MARKER-secret"):
        environment = Environment(authority="https://localhost", proxy="")
    assert environment.identity_under(KEY) == secret().identity_under(KEY)
    assert Environment().identity_under(KEY) == Environment().identity
    chain = Chain(secret(), ManagedIdentity())
    assert chain.identity_under(KEY) == Chain(secret(), ManagedIdentity()).identity_under(KEY)
    assert chain.identity_under(KEY) != Chain(secret("another"), ManagedIdentity()).identity_under(KEY)
    assert "MARKER" not in repr(chain.identity_under(KEY))
    machine = ManagedIdentity()
    assert machine.identity_under(KEY)[:-1] == machine.identity  # every machine's IMDS has one address
    mine = ScriptedCredential(identity=("mine",))  # a credential of a user's own
    request = TokenRequest((SCOPE,), "tenant", enable_cae=True)
    assert key_under(KEY, mine, request) == key_of(mine, request) == (("mine",), (SCOPE,), "tenant", True)


def test_a_rotated_secret_gets_nothing_of_the_old_one(folder: Path, clock: ManualClock) -> None:
    class Rotating(ScriptedCredential):
        def identity_under(self, key: bytes) -> tuple[str, ...]:
            return ("app", value[0])

    value = ["old"]
    for expected, now in ((1, "old"), (1, "old"), (2, "new")):
        value[0] = now
        with fresh_engine(clock):
            credential = Rotating(Token(f"of-{now}", expires_on=clock.wall() + 60), identity=("app",))
            assert TokenProvider(credential, SCOPE, store=FileStore(folder)).token() == f"of-{now}"
        assert len(list((folder / "tokens").iterdir())) == expected
