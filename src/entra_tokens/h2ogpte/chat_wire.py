"""What goes over a chat socket: one question, and the answers to it. Imports the package h2ogpte."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from h2ogpte import types  # type: ignore[import-untyped] # it ships no py.typed

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Question"]

# Sent as the text of a JSON document inside the JSON document, as the clients do.
_DOCUMENTS = ("llm_args", "self_reflection_config", "rag_config")
_PLAIN = (
    "system_prompt",
    "pre_prompt_query",
    "prompt_query",
    "pre_prompt_summary",
    "prompt_summary",
    "llm",
    "tags",
    "metadata_filter",
    "image_batch_image_prompt",
    "image_batch_final_prompt",
)


class Question:
    """One question, and what has come back.

    Args:
        session_id: Of the chat session.
        correlation_id: By which the acknowledgement names it.
        message: What is asked.
        options: Of `ChatOptions`.
    """

    def __init__(self, session_id: str, correlation_id: str, message: str, options: Mapping[str, Any]) -> None:
        self.session_id = session_id
        self.correlation_id = correlation_id
        self.message_id: str | None = None  # by which the answer names it; the acknowledgement says it
        request = types.ChatRequest(
            t="cq",
            mode="s",
            session_id=session_id,
            correlation_id=correlation_id,
            body=message,
            include_chat_history=options.get("include_chat_history", "auto"),
            **{name: json.dumps(options.get(name)) for name in _DOCUMENTS},
            **{name: options.get(name) for name in _PLAIN},
        )
        self.text: str = json.dumps(asdict(request), allow_nan=False, separators=(",", ":"))

    def take(self, said: Mapping[str, Any], alone: bool, now: float) -> Any:
        """Look at one message of the server.

        Args:
            said: The message.
            alone: Whether no other question is under way on its socket.
            now: Epoch seconds.

        Returns:
            A `ChatMessage` if it is the answer, an exception if it is an error about this question, else None.
        """
        kind, about = said.get("t"), said.get("correlation_id")
        if said.get("session_id") not in (None, "", self.session_id):
            return None
        if kind == "cx":
            if about == self.correlation_id:
                self.message_id = said.get("message_id")
            return None
        ours = self.message_id is not None and said.get("reply_to_id") == self.message_id
        if kind == "ce" or (said.get("error") and kind in ("ca", "cp", "cm", "cr")):
            unnamed = alone and not about and not said.get("reply_to_id")
            return _error(said) if ours or about == self.correlation_id or unnamed else None
        if kind != "ca" or not ours:
            return None  # a part of an answer, a status, or what a newer server says
        return types.ChatMessage(
            id=said.get("message_id", ""),
            content=said.get("body", ""),
            reply_to=self.message_id,
            votes=0,
            created_at=datetime.fromtimestamp(now),
            type_list=[],
        )


def _error(said: Mapping[str, Any]) -> Exception:
    text = f"Remote error: {said.get('error')}"
    if said.get("error_type") == "rate_limit" and hasattr(types, "RateLimitError"):  # since 1.7.2
        return types.RateLimitError(text, retry_after=said.get("retry_after") or 0)  # type: ignore[no-any-return] # untyped
    return types.SessionError(text)  # type: ignore[no-any-return] # untyped
