#!/bin/sh
# Makes ./configure from configure.ac. Needed once after a git clone.
cd "$(dirname "$0")" && mkdir -p m4 build-aux && exec autoreconf -fi
