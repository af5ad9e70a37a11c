"""The production shape keeps what the architecture promises, as far as a file can show it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from bot.channel_settings import ChannelSettings
from tests.house.tree import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILES = ("Dockerfile", "nlu/model/Dockerfile")


def test_the_services_are_those_of_the_architecture():
    assert set(SERVICES) == {"public", "console", "worker", "nlu", "database", "redis", "upgrade"}


def test_the_console_shares_no_network_with_the_visitors_side():
    console = set(SERVICES["console"]["networks"])
    assert console.isdisjoint(SERVICES["public"]["networks"])
    assert console.isdisjoint(SERVICES["worker"]["networks"])
    published = {name for name, service in SERVICES.items() if "ports" in service}
    assert published == {"public", "console"}
    for name in published:
        assert all(port.startswith("127.0.0.1:") for port in SERVICES[name]["ports"])
    for name in set(SERVICES) - published - {"worker"}:
        assert all(COMPOSE["networks"][network]["internal"] for network in SERVICES[name]["networks"])
    assert SERVICES["worker"]["networks"] == ["public", "providers"]  # it calls providers; nobody calls it
    assert [name for name, service in SERVICES.items() if "providers" in service["networks"]] == ["worker"]


def test_only_who_speaks_to_providers_knows_their_secrets():
    wanted = {f"GYEOT_{name.upper()}" for name in ChannelSettings.model_fields}
    for name, service in SERVICES.items():
        knows = wanted & set(service.get("environment") or {})
        assert knows == (wanted if name in {"public", "worker"} else set()), name


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_each_service_has_little_to_break(name: str):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert name in {"upgrade", "nlu"} or service["healthcheck"]["test"]


def test_the_model_server_brings_its_own_check():
    assert "HEALTHCHECK" in (ROOT / "nlu/model/Dockerfile").read_text("utf-8")


def test_versions_are_pinned():
    images = [service["image"] for service in SERVICES.values() if "build" not in service]
    for name in DOCKERFILES:
        text = (ROOT / name).read_text("utf-8")
        images += [line.split()[1] for line in text.splitlines() if line.startswith("FROM ")]
    loose = [image for image in images if not re.search(r":\d+\.\d+", image)]
    assert loose == []


def test_redis_keeps_nothing():
    redis = SERVICES["redis"]
    assert redis["command"] == ["redis-server", "--save", "", "--appendonly", "no"]
    assert "volumes" not in redis
    assert "/data" in redis["tmpfs"]


def test_no_secret_stands_in_it():
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if name.removeprefix("GYEOT_").lower() in ChannelSettings.model_fields:
                assert value == f"${{{name}:-}}"
            elif re.search(r"KEY|PASSWORD|DATABASE_URL", name):
                assert ":?see docs/operations.md}" in value
                assert not re.search(
                    r"[A-Za-z0-9+/]{30,}", re.sub(r"\$\{[^}]*\}|postgresql\S*://", "", value)
                )
