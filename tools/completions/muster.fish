# fish completion for muster: put it into ~/.config/fish/completions/muster.fish
function __muster_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l program $words[1]
    $program __complete (math (count $words) - 1) $words[2..-1] 2>/dev/null |
        string replace -rf '^\{"insert":"([^"]*)","display":"([^"]*)".*' '$1\t$2'
end
complete -c muster -f -a '(__muster_complete)'
complete -c flwd -f -a '(__muster_complete)'
