# fish completion for muster: put it into ~/.config/fish/completions/muster.fish
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
