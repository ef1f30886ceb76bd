"""Probes ask whether this process can serve; strangers learn nothing more than that."""

import pytest
from django.db import connection
from django.test import Client, override_settings

from verso.operations import health, views


@pytest.fixture(autouse=True)
def ask_anew() -> None:
    views._last.clear()


@pytest.mark.django_db
def test_healthz_says_that_process_and_database_answer(client: Client) -> None:
    response = client.get("/healthz", headers={"host": "10.0.0.7:8000"})
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert response.json() == {"status": "ok", "checks": {"database": "ok"}}


@pytest.mark.django_db
def test_readyz_says_that_everything_behind_it_is_there(client: Client) -> None:
    told = client.get("/readyz").json()
    assert told == {"status": "ok", "checks": dict.fromkeys(health.READINESS, "ok")}


@pytest.mark.django_db
def test_probes_cost_no_session_and_at_most_one_round_a_second(client: Client, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    with django_assert_num_queries(1):
        answers = [client.get("/healthz") for _ in range(3)]
    assert [dict(answer.cookies) for answer in answers] == [{}, {}, {}]


@pytest.mark.django_db
def test_a_database_that_is_gone_is_told_without_why(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise OSError("connection to server at 10.1.2.3 failed: password authentication failed for web")

    monkeypatch.setattr(connection, "cursor", gone)
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (503, {"status": "failing", "checks": {"database": "failing"}})


@pytest.mark.django_db
def test_a_missing_migration_makes_it_unready_but_not_unhealthy(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'accounts'")
    assert client.get("/healthz").status_code == 200
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["migrations"] == "failing"


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_probes_are_only_read(client: Client, address: str, method: str) -> None:
    assert getattr(client, method)(address).status_code == 405


@pytest.mark.django_db
@override_settings(METRICS_TOKEN="a-token-for-prometheus-and-nobody-else", METRICS_FROM_LOOPBACK=True)
def test_metrics_open_to_the_bearer_of_the_token_alone(client: Client) -> None:
    def status(value: str) -> int:
        return client.get("/metrics", headers={"authorization": value}).status_code

    assert status("Bearer a-token-for-prometheus-and-nobody-else") == 200
    refused = ["", "Bearer ", "Bearer wrong", "Basic a-token-for-prometheus-and-nobody-else", "Bearer ü"]
    assert [status(value) for value in refused] == [404] * 5


@pytest.mark.django_db
@override_settings(METRICS_TOKEN="", METRICS_FROM_LOOPBACK=True)
def test_without_a_token_only_this_machine_itself_sees_metrics(client: Client) -> None:
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="::1").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.1").status_code == 404
    assert client.get("/metrics", REMOTE_ADDR="").status_code == 404
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1", headers={"x-forwarded-for": "192.0.2.1"}).status_code == 404


@pytest.mark.django_db
@override_settings(METRICS_TOKEN="", METRICS_FROM_LOOPBACK=False)
def test_in_production_without_a_token_nobody_sees_metrics(client: Client) -> None:
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 404
