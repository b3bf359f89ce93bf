"""A message as its sender means it, checked before anything is stored."""

import hashlib
import re
from dataclasses import dataclass

import orjson

from neo.chat.errors import AttachmentsRefused, ClientMessageIdInvalid, EmptyMessage, MessageTooLong

MESSAGE_CHARACTERS_MAX = 100_000
# A client's id is compared byte for byte, so it keeps to what every client writes alike.
CLIENT_MESSAGE_ID = re.compile(r"[!-~]{1,128}")


@dataclass(frozen=True)
class Draft:
    message: str
    model_tier: str
    client_message_id: str | None
    attachments: int

    def check(self) -> None:
        if self.attachments:
            raise AttachmentsRefused(
                "This server does not take attachments yet: send the message without them.",
                details={"fields": {"attachments": "not supported"}},
            )
        if not self.message.strip():
            raise EmptyMessage(
                "A message needs text or at least one attachment.",
                details={"fields": {"message": "is empty"}},
            )
        if len(self.message) > MESSAGE_CHARACTERS_MAX:
            raise MessageTooLong(
                f"A message has at most {MESSAGE_CHARACTERS_MAX} characters.",
                details={"fields": {"message": f"longer than {MESSAGE_CHARACTERS_MAX} characters"}},
            )
        if self.client_message_id is not None and not CLIENT_MESSAGE_ID.fullmatch(self.client_message_id):
            raise ClientMessageIdInvalid(
                "A `client_message_id` is 1 to 128 printable ASCII characters without spaces.",
                details={
                    "fields": {"client_message_id": "1 to 128 printable ASCII characters without spaces"}
                },
            )

    def digest(self) -> bytes:
        """Tells a repeated message from another one under the same `client_message_id`."""
        return hashlib.sha256(orjson.dumps([self.message, self.model_tier, self.attachments])).digest()
