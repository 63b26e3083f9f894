#!/bin/sh
# Leaves a file in the run folder, which all steps of a run share.
set -eu
printf 'written inside a container\n' >note.txt
