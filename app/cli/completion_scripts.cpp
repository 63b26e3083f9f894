// The completion scripts. Each asks `muster __complete` and knows nothing about verbs itself; copies for
// packages lie in tools/completions/.
#include "app/cli/completion.hpp"

namespace muster::cli {
namespace {

constexpr std::string_view kBash =
  R"script(# bash completion for muster: source it, or put it into /usr/share/bash-completion/completions/muster
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
)script";

constexpr std::string_view kZsh = R"script(#compdef muster flwd
# zsh completion for muster: put it as _muster into a folder of $fpath
_muster_text() {
  local mark=$'\1'
  REPLY="${1//\\\\/$mark}"
  REPLY="${REPLY//\\\"/\"}"
  REPLY="${REPLY//$mark/\\}"
}
_muster() {
  local -a inserts displays
  local line insert REPLY program="${(Q)words[1]}"
  local candidate='^\{"insert":"(([^"\\]|\\.)*)","display":"(([^"\\]|\\.)*)"'
  local -a match mbegin mend
  [[ $program == "~/"* ]] && program="$HOME/${program[3,-1]}"
  while IFS= read -r line; do
    [[ $line =~ $candidate ]] || continue
    line="$match[3]"
    _muster_text "$match[1]"
    insert="$REPLY"
    _muster_text "$line"
    inserts+=("$insert")
    [[ $REPLY == "$insert" ]] && displays+=("$insert") || displays+=("$insert  -- $REPLY")
  done < <("$program" __complete "$((CURRENT - 1))" "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
  if (( ${#inserts} )); then
    compadd -M 'm:{a-zA-Z}={A-Za-z}' -l -d displays -a inserts
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
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l plain (string unescape -- $current); or set plain $current
    set -l found ($words[1] __complete (count $words) $words[2..-1] "$plain" 2>/dev/null |
        string replace -rf '^\{"insert":"((?:[^"\\\\]|\\\\.)*)","display":"((?:[^"\\\\]|\\\\.)*)".*' '$1\t$2' |
        string replace -ar '\\\\(["\\\\])' '$1')
    if set -q found[1]
        printf '%s\n' $found
    else
        __fish_complete_path "$current"
    end
end
complete -c muster -f -a '(__muster_complete)'
complete -c flwd -f -a '(__muster_complete)'
)script";

constexpr std::string_view kPowershell = R"script(# PowerShell completion for muster: add it to $PROFILE
Register-ArgumentCompleter -Native -CommandName muster, flwd -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Where-Object { $_.Extent.StartOffset -lt $cursorPosition } | ForEach-Object {
        if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.ToString() }
    })
    $program = $words[0]
    # Before 7.3 an empty word is not handed on unless it stands in quotes of its own.
    if ($wordToComplete -eq '') { $words += $(if ($PSVersionTable.PSVersion -lt [version]'7.3') { '""' } else { '' }) }
    $rest = @($words | Select-Object -Skip 1)
    & $program __complete $rest.Count @rest 2>$null | ForEach-Object {
        $c = $_ | ConvertFrom-Json
        $text = $c.insert
        if ($text -match '[^\w\-.:=/+]') { $text = "'" + $text.Replace("'", "''") + "'" }
        [System.Management.Automation.CompletionResult]::new($text, $c.insert, 'ParameterValue', $c.display)
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
