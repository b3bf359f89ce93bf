"""A message as its sender means it, checked before anything is stored."""

import hashlib
import re
from dataclasses import dataclass

import orjson

from neo.agents import Overlap
from neo.attachments import ATTACHMENTS_MAX, AttachmentRepeated, Cited, TooManyAttachments
from neo.chat.errors import ClientMessageIdInvalid, EmptyMessage, MessageTooLong

MESSAGE_CHARACTERS_MAX = 100_000
# A client's id is compared byte for byte, so it keeps to what every client writes alike.
CLIENT_MESSAGE_ID = re.compile(r"[!-~]{1,128}")


@dataclass(frozen=True)
class Draft:
    message: str
    model_tier: str
    client_message_id: str | None
    attachments: tuple[Cited, ...] = ()
    # Not a part of what is said: a repeat may say another one.
    overlap: Overlap | None = None

    def check(self) -> None:
        self._check_attachments()
        if not self.message.strip() and not self.attachments:
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
        cited = [[one.blob_path, one.mime, one.alt, one.filename] for one in self.attachments]
        return hashlib.sha256(orjson.dumps([self.message, self.model_tier, cited])).digest()

    def _check_attachments(self) -> None:
        if len(self.attachments) > ATTACHMENTS_MAX:
            raise TooManyAttachments(
                f"A message has at most {ATTACHMENTS_MAX} attachments.",
                details={"fields": {"attachments": f"more than {ATTACHMENTS_MAX}"}},
            )
        paths = [one.blob_path for one in self.attachments]
        if len(set(paths)) < len(paths):
            raise AttachmentRepeated(
                "An image is attached to a message once.",
                details={"fields": {"attachments": "the same `blob_path` twice"}},
            )
