"""Whom a managed-identity request means."""

from __future__ import annotations

import pytest

from entra_tokens.emulator.directory import Directory, Identity
from entra_tokens.emulator.identities import Identities


@pytest.fixture
def identities() -> Identities:
    return Identities(Directory())


def test_the_system_assigned_one_goes_first(identities: Identities) -> None:
    assert identities.find({}, only_one_will_do=True) is identities.system
    assert list(identities) == [identities.system, *identities.user_assigned]


@pytest.mark.parametrize("name", ["client_id", "object_id", "resource_id"])
def test_each_name_finds_one_in_whatever_case(identities: Identities, name: str) -> None:
    (mine,) = identities.user_assigned
    assert identities.find({name: getattr(mine, name).upper()}) is mine


def test_an_empty_name_finds_nobody(identities: Identities) -> None:
    identities.assign(Identity(resource_id=""))
    assert identities.find({"resource_id": ""}) is None


def test_the_machine_is_no_name_of_its_identity(identities: Identities) -> None:
    assert identities.find({"resource_id": identities.system.resource_id}) is None


def test_without_it_the_only_other_one_is_meant_where_that_is_the_rule(identities: Identities) -> None:
    identities.system_assigned = False
    (only,) = identities.user_assigned
    assert identities.find({}, only_one_will_do=True) is only
    assert identities.find({}) is None
    second = identities.assign()
    assert second.resource_id
    assert identities.find({}, only_one_will_do=True) is None
    identities.unassign(only)
    assert identities.find({}, only_one_will_do=True) is second
    identities.unassign()
    assert identities.find({}, only_one_will_do=True) is None


def test_one_that_is_switched_off_is_not_found_by_name(identities: Identities) -> None:
    identities.system_assigned = False
    assert identities.find({"client_id": identities.system.client_id}) is None


def test_a_named_identity_can_be_assigned_and_only_what_is_assigned_taken_away(identities: Identities) -> None:
    mine = Identity(client_id="one", object_id="two", resource_id="/three")
    with pytest.raises(LookupError):
        identities.unassign(mine)
    assert identities.assign(mine) is mine
    assert identities.find({"resource_id": "/THREE"}) is mine
