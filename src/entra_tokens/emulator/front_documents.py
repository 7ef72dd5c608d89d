"""The front's uploads, documents and the long jobs about them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

    from .front_jobs import FrontJobs

__all__ = ["document_routes"]

_API = "/api/v1"


def document_routes(jobs: FrontJobs, stamp: str) -> list[Route]:
    """Upload, ingest, process, poll, fetch.

    Args:
        stamp: When everything was made.
    """
    uploads: dict[str, bytes] = {}
    summaries: dict[str, dict[str, Any]] = {}

    async def upload(request: Request) -> Response:
        made = str(uuid.uuid4())
        uploads[made] = await request.body()
        return JSONResponse({"id": made})

    async def list_uploads(_request: Request) -> Response:
        return JSONResponse(list(uploads))

    async def delete_upload(request: Request) -> Response:
        gone = request.query_params.get("id", "")
        uploads.pop(gone, None)
        return JSONResponse({"id": gone})

    async def ingest(request: Request) -> Response:
        for each in request.path_params["upload_ids"].split(","):
            uploads.pop(each, None)
        return JSONResponse(jobs.start("IngestUploadsJob", stamp), status_code=201)

    async def ingest_text(_request: Request) -> Response:
        return JSONResponse(jobs.start("IngestPlainTextJob", stamp), status_code=201)

    async def process(request: Request) -> Response:
        asked = await request.json()
        made = asked.get("summary_id") or str(uuid.uuid4())
        text = f"A summary of {asked.get('document_id', '')}"
        summaries[made] = {
            "id": made,
            "document_id": asked.get("document_id", ""),
            "content": repr([text]) if asked.get("keep_intermediate_results") else text,
            "error": "",
            "kwargs": "{}",
            "created_at": stamp,
        }
        return JSONResponse(jobs.start("DocumentProcessJob", stamp), status_code=201)

    async def summary(request: Request) -> Response:
        found = summaries.get(request.path_params["summary_id"])
        return JSONResponse(found) if found else _missing("summary")

    async def job(request: Request) -> Response:
        found = jobs.poll(request.path_params["job_id"])
        return JSONResponse(found) if found else _missing("job")

    async def list_jobs(_request: Request) -> Response:
        return JSONResponse(jobs.all())

    async def cancel(request: Request) -> Response:
        jobs.cancel(request.path_params["job_id"])
        return Response(status_code=204)

    async def count(_request: Request) -> Response:
        return JSONResponse({"count": 0})

    async def file(request: Request) -> Response:
        return Response(f"The text of {request.query_params.get('id', '')}", media_type="text/plain")

    return [
        Route("/rpc/fs", upload, methods=["PUT"]),
        Route("/rpc/fs", list_uploads, methods=["GET"]),
        Route("/rpc/fs", delete_upload, methods=["DELETE"]),
        Route("/file", file, methods=["GET"]),
        Route(f"{_API}/uploads/{{upload_ids}}/ingest/job", ingest, methods=["POST"]),
        Route(f"{_API}/ingest/plain_text/job", ingest_text, methods=["POST"]),
        Route(f"{_API}/documents/process_job", process, methods=["POST"]),
        Route(f"{_API}/documents/count", count, methods=["GET"]),
        Route(f"{_API}/document_summaries/{{summary_id}}", summary, methods=["GET"]),
        Route(f"{_API}/jobs", list_jobs, methods=["GET"]),
        Route(f"{_API}/jobs/{{job_id}}", job, methods=["GET"]),
        Route(f"{_API}/jobs/{{job_id}}/cancel", cancel, methods=["POST"]),
    ]


def _missing(what: str) -> Response:
    return JSONResponse({"message": f"there is no such {what}", "code": 404}, status_code=404)
