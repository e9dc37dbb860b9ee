"""`synctl completion`: the script that has a shell complete commands, options and names."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

import typer

from synctl.cli.complete import FILES, LINE_VARIABLE, VARIABLE
from synctl.cli.output import say


class Shell(StrEnum):
    """Shells that have a script."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(help="The shell that reads the script.")],
) -> None:
    """Print the script that completes commands, options, run ids, cities, methods, editions and more after a Tab.

    bash: add `eval "$(synctl completion bash)"` to ~/.bashrc. zsh: the same with zsh in ~/.zshrc, below compinit.
    fish: write it to ~/.config/fish/completions/synctl.fish. Names come from the database, which is only read.

    \b
    Examples:
      synctl completion bash > /usr/share/bash-completion/completions/synctl
      eval "$(synctl completion zsh)"
      synctl completion fish > ~/.config/fish/completions/synctl.fish

    Exit codes: 0 printed, 2 no such shell.
    """
    say(script_of(shell))


def script_of(shell: Shell) -> str:
    """Return what the shell has to read."""
    return _SCRIPTS[shell].replace("@VARIABLE@", VARIABLE).replace("@LINE@", LINE_VARIABLE).replace("@FILES@", FILES)


# bash replaces the word at the cursor by what it is given: quoted here, unless the operator has opened a quote.
_BASH: Final = r"""
_synctl_completion() {
    local line value quoted=${COMP_WORDS[COMP_CWORD]}
    COMPREPLY=()
    while IFS= read -r line; do
        value=${line%%$'\t'*}
        if [[ $value == "@FILES@" ]]; then
            compopt -o default -o filenames
            return
        elif [[ $quoted != [\"\']* && $value == *[^A-Za-z0-9_./:=@%+,-]* ]]; then
            printf -v value '%q' "$value"
        fi
        COMPREPLY+=("$value")
    done < <(@VARIABLE@=complete_bash @LINE@=${COMP_LINE:0:COMP_POINT} "$1" 2>/dev/null)
}
complete -o nosort -F _synctl_completion synctl
""".strip()

_ZSH: Final = r"""
#compdef synctl
_synctl() {
    local line value
    local -a described
    local words_before="${(j: :)words[1,CURRENT-1]}"
    while IFS= read -r line; do
        value=${line%%$'\t'*}
        if [[ $value == "@FILES@" ]]; then
            _files
            return
        elif [[ $line == *$'\t'* ]]; then
            described+=("${value//:/\\:}:${line#*$'\t'}")
        else
            described+=("${value//:/\\:}")
        fi
    done < <(@VARIABLE@=complete_zsh @LINE@="$words_before $QIPREFIX$PREFIX" "${words[1]}" 2>/dev/null)
    _describe -V synctl described
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _synctl "$@"
else
    compdef _synctl synctl
fi
""".strip()

_FISH: Final = r"""
function __synctl_complete
    set -l words (commandline -opc)
    set -l line (commandline -cp)
    set -l found (@VARIABLE@=complete_fish @LINE@="$line" $words[1] 2>/dev/null)
    if test "$found" = "@FILES@"
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $found
    end
end
complete -c synctl -f -k -a '(__synctl_complete)'
""".strip()

_SCRIPTS: Final = {Shell.BASH: _BASH, Shell.ZSH: _ZSH, Shell.FISH: _FISH}
