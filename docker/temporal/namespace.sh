#!/bin/sh
# Creates the namespace, or sets the retention of the one that is there; returns when workers can use it.
# TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE are the temporal command's own variables.
set -eu

# A server that has just come up answers late, and it takes some seconds to know a namespace that has just been made.
patiently() {
  tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -ge 60 ]; then
      "$@" # once more, for its message
      return
    fi
    sleep 1
  done
}

patiently temporal operator cluster health
if temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
  patiently temporal operator namespace update --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
else
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
fi
patiently temporal workflow list --namespace "$TEMPORAL_NAMESPACE" --limit 1
