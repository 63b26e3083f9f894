#!/bin/sh
# ccache.sh CCACHE COMPILER WORDS...: compiles through ccache. A precompiled header differs from folder to folder, byte by
# byte, so what ccache is to know it by stands beside it: the hash of all that it includes.
"$@" || exit
before= made= skip=
for word; do
  [ "$before" = -o ] && made=$word
  before=$word
done
case $made in *.gch) ;; *) exit 0 ;; esac
shift
for word; do  # The same command, but for where its result goes.
  shift
  [ "$word" = "$made" ] && word=$made.text
  case $word in -MD | -fpch-preprocess) continue ;; -MT | -MF) skip=yes; continue ;; esac
  [ -n "$skip" ] && { skip=; continue; }
  set -- "$@" "$word"
done
rm -f "$made.sum"  # Without one ccache looks at the header itself.
"$@" -E -dD && grep -v '^# [0-9]' "$made.text" | sha256sum > "$made.sum"
rm -f "$made.text"
