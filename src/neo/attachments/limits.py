"""How much a sender may attach."""

# Several times the size of a phone's picture.
IMAGE_BYTES_MAX = 10 * 1024 * 1024
ATTACHMENTS_MAX = 6
ALT_CHARACTERS_MAX = 2_000
