"""What the authority says of a token's life, in every form, and the one request at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from engine.faces import FACES
from entra_tokens import AuthorityUnavailable
from faults.kit import JUST, ImpatientClock, Scene, client_secret

if TYPE_CHECKING:
    from entra_tokens.emulator import Emulator

NONE: Any = None  # takes the field out of the answer
EARLY = (0.5, 0.8)
LIVES = [
    pytest.param(1, 1.0, id="1"),
    pytest.param(60, 60.0, id="60"),
    pytest.param(299, 299.0, id="299"),
    pytest.param(3600, 3600.0, id="3600"),
    pytest.param(86400, 86400.0, id="86400"),
    pytest.param("3600", 3600.0, id="text"),
    pytest.param(3600.5, 3600.5, id="fraction"),
    pytest.param("3600.5", 3600.5, id="fraction as text"),
    pytest.param(NONE, 3600.0, id="missing"),
    pytest.param("soon", 3600.0, id="junk"),
]


@pytest.fixture
def scene(e: Emulator, clock: ImpatientClock) -> Scene:
    made = Scene(e, clock, FACES[0], client_secret(e))
    made.count_from_here()
    return made


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("expires_in", "life"), LIVES)
def test_one_request_for_each_refresh_instant(
    scene: Scene, e: Emulator, clock: ImpatientClock, expires_in: Any, life: float, share: float
) -> None:
    clock.share = share
    e.fail("token", reply={"expires_in": expires_in})
    held = scene.call()
    by_token = expires_in in (NONE, "soon")  # then the token's own `exp`, in whole seconds of the emulator's clock
    assert held.expires_on - clock.wall() == pytest.approx(life, abs=1.5 if by_token else 1e-6)

    for renewals in range(1, 4):
        acquired = clock.wall()
        life = held.expires_on - acquired
        assert held.refresh_on is not None
        part = held.refresh_on - acquired
        assert part == pytest.approx(min(life * (0.5 + 0.3 * share), life - min(60, life / 10)))
        assert scene.many(20) == [held] * 20
        scene.advance_to(held.refresh_on - JUST)
        assert scene.many(20) == [held] * 20
        assert scene.requests == renewals
        scene.advance(2 * JUST)
        assert all(token is held for token in scene.many(1))
        renewed = scene.many(20)
        assert scene.requests == renewals + 1
        assert held not in renewed
        assert len(set(renewed)) == 1
        held = renewed[0]
    assert scene.failures == 0


@pytest.mark.parametrize("expires_in", [0, -1, "-1", -3600, -1e18, "0"])
def test_a_life_that_is_over_is_no_token(scene: Scene, e: Emulator, expires_in: Any) -> None:
    e.fail("token", reply={"expires_in": expires_in})
    error = scene.error()
    assert type(error) is AuthorityUnavailable
    assert "already expired" in str(error)
    assert len(scene.many(20)) == 20
    assert scene.requests == 1


@pytest.mark.parametrize("expires_in", [-1, 0])
def test_a_life_that_is_over_does_not_replace_a_token(scene: Scene, e: Emulator, expires_in: Any) -> None:
    held = scene.call()
    assert held.refresh_on is not None
    e.fail("token", reply={"expires_in": expires_in})
    scene.advance_to(held.refresh_on)
    assert all(token is held for token in scene.many(20))
    assert all(token is held for token in scene.many(20))
    assert scene.requests == 2
    assert scene.provider.status().expires_on == held.expires_on


def test_nothing_says_when_it_ends(scene: Scene, e: Emulator) -> None:
    e.fail("token", reply={"expires_in": None, "ext_expires_in": None, "access_token": "opaque"})
    error = scene.error()
    assert type(error) is AuthorityUnavailable
    assert "when the token expires" in str(error)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("refresh_in", [1200, "1200", 1200.0, "1200.0"])
def test_the_authority_names_the_instant(
    scene: Scene, e: Emulator, clock: ImpatientClock, refresh_in: Any, share: float
) -> None:
    clock.share = share
    e.fail("token", reply={"refresh_in": refresh_in})
    held = scene.call()
    assert held.refresh_on is not None
    assert held.refresh_on - clock.wall() == pytest.approx(1200 * (0.9 + 0.2 * share))
    scene.advance_to(held.refresh_on - JUST)
    assert scene.many(20) == [held] * 20
    assert scene.requests == 1
    scene.advance(2 * JUST)
    assert all(token is held for token in scene.many(1))
    assert held not in scene.many(20)
    assert scene.requests == 2


@pytest.mark.parametrize(
    "refresh_in", ["soon", "", 0, -5, "-5", 3600, 7200, True, [], {"a": 1}, 1e300, "9" * 40, NONE], ids=repr
)
def test_an_instant_that_is_none_is_drawn(scene: Scene, e: Emulator, clock: ImpatientClock, refresh_in: Any) -> None:
    e.fail("token", reply={"expires_in": 3600, "refresh_in": refresh_in})
    held = scene.call()
    assert held.refresh_on is not None
    assert held.refresh_on - clock.wall() == pytest.approx(3600 * 0.65)
    assert scene.many(20) == [held] * 20
    assert scene.requests == 1


@pytest.mark.parametrize("refresh_in", [3599, 3599.999])
def test_a_named_instant_at_the_very_end_still_lies_before_it(
    scene: Scene, e: Emulator, clock: ImpatientClock, refresh_in: Any
) -> None:
    clock.share = 1.0
    e.fail("token", reply={"expires_in": 3600, "refresh_in": refresh_in})
    held = scene.call()
    assert held.refresh_on is not None
    assert held.expires_on - held.refresh_on == pytest.approx(60)
