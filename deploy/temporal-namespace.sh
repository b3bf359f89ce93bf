#!/bin/sh
# The namespace that NEO_TEMPORAL_NAMESPACE names; a turn's history is of no use after a few days.
set -eu

temporal operator namespace describe --namespace default ||
    temporal operator namespace create --namespace default --retention 72h
