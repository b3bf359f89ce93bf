"""Checks of the machine itself: the data folder on it, and what it gives to confine a program."""
