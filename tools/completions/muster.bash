# bash completion for muster: source it, or put it into /usr/share/bash-completion/completions/muster
_muster() {
  local line="${COMP_LINE:0:COMP_POINT}" words=() word='' quote='' begun='' cut=0 c i mark=$'\1'
  local candidate='^\{"insert":"(([^"\\]|\\.)*)"'
  # Words as bash would hand them over. What is replaced begins behind the last colon or equals sign, or behind the quote
  # that is open: `cut` characters of the word are there already.
  for ((i = 0; i < ${#line}; i++)); do
    c="${line:i:1}"
    if [[ -n $quote ]]; then
      if [[ $c == "$quote" ]]; then
        quote='' cut=0
      elif [[ $quote == '"' && $c == \\ && ${line:i+1:1} == [\"\\\$\`] ]]; then
        ((++i)); word+="${line:i:1}"
      else
        word+="$c"
      fi
    elif [[ $c == \\ ]]; then
      ((++i)); word+="${line:i:1}" begun=1
    elif [[ $c == [\"\'] ]]; then
      quote="$c" begun=1 cut=${#word}
    elif [[ $c == [[:space:]] ]]; then
      [[ -n $begun ]] && words+=("$word")
      word='' begun='' cut=0
    else
      word+="$c" begun=1
      [[ $c == [:=] && $COMP_WORDBREAKS == *"$c"* ]] && cut=${#word}
    fi
  done
  words+=("$word")
  while [[ ${#words[@]} -gt 1 && ${words[0]} =~ ^[A-Za-z_][A-Za-z_0-9]*= ]]; do words=("${words[@]:1}"); done
  local program="${words[0]}"
  [[ $program == "~/"* ]] && program="$HOME/${program:2}"
  COMPREPLY=()
  while IFS= read -r c; do
    [[ $c =~ $candidate ]] || continue
    c="${BASH_REMATCH[1]//\\\\/$mark}"
    c="${c//\\\"/\"}"
    c="${c//$mark/\\}"
    c="${c:cut}"
    case "$quote" in
      '') [[ -n $c ]] && printf -v c %q "$c" ;;
      \') c="${c//\'/\'\\\'\'}" ;;
      \") c="${c//\\/\\\\}"; c="${c//\"/\\\"}"; c="${c//\$/\\\$}"; c="${c//\`/\\\`}" ;;
    esac
    COMPREPLY+=("$c")
  done < <("$program" __complete "$((${#words[@]} - 1))" "${words[@]:1}" 2>/dev/null)
}
complete -o default -F _muster muster flwd
