# How it is said; sourced after the variables.
voice() {
  if [[ "${ARG_LOUD:-false}" == true ]]; then
    printf '%s\n' "${1^^}"
  else
    printf '%s\n' "$1"
  fi
}
