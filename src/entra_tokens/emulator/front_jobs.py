"""The front's long jobs: each answers some polls with "in progress", and is done then."""

from __future__ import annotations

import threading
import uuid
from typing import Any

__all__ = ["FrontJobs"]


class FrontJobs:
    """Jobs by their ids. Any thread may call anything.

    `polls` is how many polls of a job are answered with "in progress"; None: all of them, until `finish()`. A change
    holds for jobs that run already.
    """

    def __init__(self) -> None:
        self.polls: int | None = 1
        self._lock = threading.Condition()
        self._jobs: dict[str, dict[str, Any]] = {}
        self._polled: dict[str, int] = {}

    def start(self, kind: str, stamp: str) -> dict[str, Any]:
        """A new job, as the server shows it."""
        job: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "name": kind,
            "kind": kind,
            "overall_status": "in progress",
            "status": "running",
            "passed_percentage": 0.0,
            "failed_percentage": 0.0,
            "progress": 0.0,
            "created_at": stamp,
            "updated_at": stamp,
            "statuses": [],
            "errors": [],
            "duration": "0s",
            "duration_seconds": 0.0,
        }
        with self._lock:
            self._jobs[job["id"]] = job
        return dict(job)

    def poll(self, job_id: str) -> dict[str, Any] | None:
        """The job as it is at this poll; None: there is no such job."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None:
                return None
            seen = self._polled[job_id] = self._polled.get(job_id, 0) + 1
            self._lock.notify_all()
            if self.polls is not None and seen > self.polls:
                _end(job, "completed")
            elif job["overall_status"] == "in progress":
                job["progress"] = round(1 - 1 / (seen + 1), 3)
            return dict(job)

    def wait_for_polls(self, polls: int = 1, timeout: float = 10) -> bool:
        """Wait until some job has been polled this often; False: the seconds of `timeout` were not enough."""
        with self._lock:
            return self._lock.wait_for(lambda: max(self._polled.values(), default=0) >= polls, timeout)

    def finish(self) -> None:
        """Let every job be done."""
        with self._lock:
            for job in self._jobs.values():
                _end(job, "completed")

    def cancel(self, job_id: str) -> None:
        with self._lock:
            if job_id in self._jobs:
                _end(self._jobs[job_id], "canceled")

    def all(self) -> list[dict[str, Any]]:
        """Every job, as it was when it was last polled."""
        with self._lock:
            return [dict(job) for job in self._jobs.values()]


def _end(job: dict[str, Any], status: str) -> None:
    if job["overall_status"] == "in progress":
        job.update(overall_status=status, status=status, progress=1.0)
        job["passed_percentage"] = 1.0 if status == "completed" else 0.0
