#!/bin/sh
# The official image becomes its user, and listens on the network without a password.
exec setpriv --reuid=valkey --regid=valkey --clear-groups "$@" --protected-mode no
