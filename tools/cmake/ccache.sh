#!/bin/sh
# ccache.sh CCACHE COMPILER WORDS...: compiles through ccache, but a precompiled header by itself: it names where its folder
# is, and another one's is of no use. What ccache is to know it by stands beside it: the hash of all that it includes.
for word; do  # Paths as they are seen from here: ccache leaves those behind -Xclang as they are.
  shift
  set -- "$@" "${word#"$PWD/"}"
done
before= made=
for word; do
  [ "$before" = -o ] && made=$word
  before=$word
done
case $made in *.gch | *.pch) ;; *) exec "$@" ;; esac
shift
rm -f "$made.sum"  # Without one ccache looks at the header itself.
"$@" || exit
skip= held=
for word; do  # The same command, but that it preprocesses, and where its result goes.
  shift
  [ -n "$skip" ] && { skip=; continue; }
  [ "$word" = "$made" ] && word=$made.text
  case $held$word in
    -Xclang-emit-pch) held=; continue ;;
    -Xclang) held=$word; continue ;;
    -MD | -fpch-preprocess) continue ;;
    -MT | -MF) skip=yes; continue ;;
  esac
  set -- "$@" $held "$word"
  held=
done
"$@" -E -dD && [ -s "$made.text" ] && grep -v '^# [0-9]' "$made.text" | sha256sum > "$made.sum"
rm -f "$made.text"
