// The completion scripts. Each asks `muster __complete` and knows nothing about verbs itself; copies for
// packages lie in tools/completions/.
#include "app/cli/completion.hpp"

namespace muster::cli {
namespace {

constexpr std::string_view kBash =
  R"script(# bash completion for muster: source it, or put it into /usr/share/bash-completion/completions/muster
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
)script";

constexpr std::string_view kZsh = R"script(#compdef muster flwd
# zsh completion for muster: put it as _muster into a folder of $fpath
_muster() {
  local -a inserts displays
  local line insert display
  while IFS= read -r line; do
    insert="${${line#*\"insert\":\"}%%\"*}"
    display="${${line#*\"display\":\"}%%\"*}"
    inserts+=("$insert")
    displays+=("$insert  $display")
  done < <("${words[1]}" __complete "$((CURRENT - 1))" "${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( ${#inserts} )); then
    compadd -l -d displays -a inserts
  else
    _files
  fi
}
if [ "$funcstack[1]" = "_muster" ]; then
  _muster "$@"
else
  compdef _muster muster flwd
fi
)script";

constexpr std::string_view kFish =
  R"script(# fish completion for muster: put it into ~/.config/fish/completions/muster.fish
function __muster_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l program $words[1]
    $program __complete (math (count $words) - 1) $words[2..-1] 2>/dev/null |
        string replace -rf '^\{"insert":"([^"]*)","display":"([^"]*)".*' '$1\t$2'
end
complete -c muster -f -a '(__muster_complete)'
complete -c flwd -f -a '(__muster_complete)'
)script";

constexpr std::string_view kPowershell = R"script(# PowerShell completion for muster: add it to $PROFILE
Register-ArgumentCompleter -Native -CommandName muster, flwd -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | ForEach-Object { $_.ToString() })
    $program = $words[0]
    if ($wordToComplete -eq '') { $words += '' }
    $rest = @($words | Select-Object -Skip 1)
    & $program __complete $rest.Count @rest 2>$null | ForEach-Object {
        $c = $_ | ConvertFrom-Json
        [System.Management.Automation.CompletionResult]::new($c.insert, $c.insert, 'ParameterValue', $c.display)
    }
}
)script";

}  // namespace

std::string completion_script(std::string_view shell) {
  if (shell == "bash") return std::string{kBash};
  if (shell == "zsh") return std::string{kZsh};
  if (shell == "fish") return std::string{kFish};
  if (shell == "powershell") return std::string{kPowershell};
  return {};
}

}  // namespace muster::cli
