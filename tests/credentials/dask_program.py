"""A user's program that has Dask's processes ask for tokens: given pickled providers, writes down what came back."""

from __future__ import annotations

import json
import pickle
import sys
import traceback
from typing import Any

from credentials.elsewhere import ask
from entra_tokens import ClientSecret, TokenProvider


def main(given: str, found: str) -> None:
    import dask
    from dask import delayed
    from distributed import Client, LocalCluster

    with open(given, "rb") as file:
        providers, (tenant_id, client_id) = pickle.load(file)
    told: dict[str, Any] = {}
    secret = TokenProvider(ClientSecret(tenant_id, client_id, "MARKER"), "api://app/.default")

    told["processes"] = dask.compute(
        *[delayed(ask)(provider) for provider in providers], scheduler="processes", num_workers=1
    )
    told["processes refused"] = refusal(lambda: delayed(ask)(secret).compute(scheduler="processes", num_workers=1))
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        told["distributed"] = client.gather(client.map(ask, providers))
        told["distributed refused"] = refusal(lambda: client.submit(ask, secret).result())
    with open(found, "w") as file:
        json.dump(told, file)


def refusal(attempt: Any) -> str:
    try:
        attempt()
    except Exception:
        return traceback.format_exc()
    return "it was sent"


if __name__ == "__main__":
    main(*sys.argv[1:])
