"""Image files: what their header says, and how they are decoded and encoded anew in a process apart."""
