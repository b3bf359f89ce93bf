"""Images that come with a message: granted, checked, normalised, signed for reading."""
