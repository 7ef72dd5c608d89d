"""Row 23: a machine full of processes full of threads that start together on one IMDS, which has its usual limits."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import fresh
from disk import own_folder
from outcome import AZURE, H2O, MSAL, OURS, Figure, Outcome, exactly
from service import token_service

if TYPE_CHECKING:
    from settings import Settings

WORK = "20 processes of 200 threads start on one IMDS: answers 429"

PROCESSES, THREADS = 20, 200

# Every thread makes a provider for one of the tokens that its process needs, as code in many modules does.
_PROGRAM = """
import json, time
import storm
from entra_tokens import ManagedIdentity, TokenProvider
def ask(number):
    def call():
        return str(TokenProvider(ManagedIdentity(), f"api://app-{{number}}/.default").token())
    return call
start = time.monotonic()
found = storm.in_threads([ask(number % {tokens}) for number in range({threads})])
failed = [repr(one) for one in found if not isinstance(one, str)]
print(json.dumps({{"seconds": time.monotonic() - start, "failed": failed}}))
"""


def measure(settings: Settings) -> Outcome:
    processes, threads, tokens = PROCESSES, settings.pick(THREADS, 20), settings.pick(10, 2)
    program = _PROGRAM.format(threads=threads, tokens=tokens)
    with token_service() as service, own_folder(), ThreadPoolExecutor(processes) as together:
        environ = service.facts.managed_identity
        started = [together.submit(fresh.output_of, program, environ) for _ in range(processes)]
        told = [json.loads(one.result()) for one in started]
        answers = [request["status"] for request in service.arrived()]
    failed = [error for one in told for error in one["failed"]]
    longest = max(one["seconds"] for one in told)
    figures = [
        Figure(AZURE, "no line; a request for each thread"),
        Figure(MSAL, "no line; a request for each thread"),
        Figure(H2O, "knows no managed identity"),
        Figure(OURS, f"of {len(answers)} requests", "answers 429", (answers.count(429),)),
    ]
    checks = [
        exactly("no answer but 200", (len(answers) - answers.count(200),), 0),
        exactly(
            f"{processes * tokens} requests for {processes * threads} threads", (len(answers),), processes * tokens
        ),
        exactly("no thread without its token", (len(failed),), 0),
    ]
    notes = [f"the last process had its {tokens} tokens after {longest:.1f} s", *sorted(set(failed))[:3]]
    return Outcome(23, WORK, figures, checks, notes)
