"""The models that agents may be given, as those who set them up see them: no address and no key."""
