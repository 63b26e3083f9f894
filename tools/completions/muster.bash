# bash completion for muster: source it, or put it into /usr/share/bash-completion/completions/muster
# Bash breaks words at colons and equals signs, so what stands before the last of them is cut off again.
_muster() {
  local line="${COMP_LINE:0:COMP_POINT}" words current insert
  read -ra words <<<"$line"
  [[ "$line" == *" " ]] && words+=("")
  current="${words[${#words[@]}-1]}"
  COMPREPLY=()
  while IFS= read -r insert; do
    COMPREPLY+=("${insert:$((${#current} - $(_muster_word "$current")))}")
  done < <("${words[0]}" __complete "$((${#words[@]} - 1))" "${words[@]:1}" 2>/dev/null |
    sed -n 's/^{"insert":"\([^"]*\)".*/\1/p')
}
_muster_word() {
  local last="${1##*[:=]}"
  echo "${#last}"
}
complete -o default -F _muster muster flwd
