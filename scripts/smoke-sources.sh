#!/usr/bin/env bash
# Adds a source to a node that serves, plans and runs a job of it, and shows where the job is from and what it
# printed first. Needs curl and jq. A folder of this tree, or with SOURCE_TYPE=git a repository:
#
#   scripts/smoke-sources.sh
#   SOURCE_TYPE=git SOURCE_URL=https://git.example/tools.git GIT_REF=main JOB_ID=hello scripts/smoke-sources.sh
#
# FLWD_API is the node, when it is not one that serves ./data, FLWD_TOKEN its token; JOB_ARGS the arguments, JSON.
set -euo pipefail

api="${FLWD_API:-$(jq -er .url data/serving.json 2>/dev/null || echo http://127.0.0.1:8080)}"
token="${FLWD_TOKEN:-${MUSTER_TOKEN:-dev-token}}"
type="${SOURCE_TYPE:-local}"
name="${SOURCE_NAME:-smoke}"

# Prints the reply; a refusal goes to stderr, and ends the script.
call() { # method path [body]
  local reply status
  reply=$(curl --silent --show-error --request "$1" --header "Authorization: Bearer $token" --write-out '\n%{http_code}' "$api$2" ${3:+--json "$3"})
  status=${reply##*$'\n'}
  reply=${reply%$'\n'*}
  if ((status < 200 || status > 299)); then
    printf 'smoke-sources: %s %s answered %s: %s\n' "$1" "$2" "$status" "$reply" >&2
    return 1
  fi
  printf '%s\n' "$reply"
}

case "$type" in
  local) source=$(jq -cn --arg n "$name" --arg r "${SOURCE_REF:-.}" '{type: "local", name: $n, ref: $r}') ;;
  git)
    source=$(jq -cn --arg n "$name" --arg u "${SOURCE_URL:?is needed for SOURCE_TYPE=git}" --arg r "${GIT_REF:-main}" \
      '{type: "git", name: $n, url: $u, ref: $r}')
    ;;
  *)
    echo "smoke-sources: SOURCE_TYPE=$type is neither local nor git" >&2
    exit 2
    ;;
esac

echo "== source"
added=$(call POST /sources "$source")
jq '{name, type, resolved_ref, resolved_commit}' <<<"$added"

ask=$(jq -cn --arg j "${JOB_ID:-demo}" --arg n "$name" --argjson a "${JOB_ARGS:-"{\"name\":\"smoke\"}"}" \
  '{job_id: $j, source: {name: $n}, args: $a}')
echo "== plan"
plan=$(call POST /plans "$ask")
jq '{job_id, security_profile, steps: [.steps[]?.id]}' <<<"$plan"

accepted=$(call POST /runs "$ask")
run=$(jq -r .id <<<"$accepted")
echo "== run $run"
# The stream ends with the run; of its events the first few, a line of JSON each.
events=$(call GET "/runs/$run/events")
events=$(sed -n 's/^data: //p' <<<"$events")
head -n 5 <<<"$events" | jq -c 'del(.provenance)'
echo "== provenance"
shown=$(call GET "/runs/$run")
jq .provenance <<<"$shown"
[[ $(tail -n 1 <<<"$events" | jq -r .status) == completed ]]
