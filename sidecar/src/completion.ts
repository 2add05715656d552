import { LOG_LEVELS } from '@outrigger/core';
import { COMMANDS, optionsOf, SHELLS } from './arguments.ts';

/** The script that `outrigger completion SHELL` prints. */
export function completion(shell: (typeof SHELLS)[number]): string {
  return shell === 'bash' ? bash() : zsh();
}

const NAMES = Object.keys(COMMANDS);
/** Without a command it is `run`. */
const FIRST = [...NAMES, ...optionsOf('run').filter((option) => option !== '--help'), '--help', '--version'];

function bash(): string {
  const cases = NAMES.map((name) => {
    const words = name === 'help' ? NAMES : name === 'completion' ? [...SHELLS, '--help'] : optionsOf(name);
    return `    ${name}) words="${words.join(' ')}" ;;`;
  });
  return `# bash completion for outrigger. To have it now:  source <(outrigger completion bash)
# To have it always, write it to a file that bash-completion reads:
#   outrigger completion bash > ~/.local/share/bash-completion/completions/outrigger

_outrigger() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" command="" words="" i IFS=$' \\t\\n'
  COMPREPLY=()
  case "$before" in
    -c|--config)
      compopt -o filenames 2>/dev/null
      # One name a line: they may have spaces.
      IFS=$'\\n'
      COMPREPLY=($(for i in yaml yml json; do compgen -f -X "!*.$i" -- "$word"; done; compgen -d -- "$word"))
      return ;;
    --log-level) COMPREPLY=($(compgen -W "${LOG_LEVELS.join(' ')}" -- "$word")); return ;;
    --set|--listen|--to) return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in
      ${NAMES.join('|')}) command="\${COMP_WORDS[i]}"; break ;;
    esac
  done
  case "$command" in
    "") words="${FIRST.join(' ')}" ;;
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _outrigger outrigger
`;
}

function zsh(): string {
  const commands = Object.entries(COMMANDS).map(([name, { summary }]) => `    '${name}:${quote(summary)}'`);
  const cases = NAMES.map((name) => {
    if (name === 'help') return `    help) _describe command commands ;;`;
    if (name === 'completion') return `    completion) _values shell ${SHELLS.join(' ')} ;;`;
    return `    ${name}) _arguments ${optionsOf(name).map(zshOption).join(' ')} ;;`;
  });
  return `#compdef outrigger
# zsh completion for outrigger. Write it to a folder of your fpath:
#   outrigger completion zsh > "\${fpath[1]}/_outrigger"

_outrigger() {
  local -a commands
  commands=(
${commands.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    _arguments ${optionsOf('run').map(zshOption).join(' ')}
    return
  fi
  local command="\${words[2]}"
  shift words
  (( CURRENT-- ))
  case "$command" in
${cases.join('\n')}
    *) _arguments ${optionsOf('run').map(zshOption).join(' ')} ;;
  esac
}
if [ "$funcstack[1]" = "_outrigger" ]; then _outrigger "$@"; else compdef _outrigger outrigger; fi
`;
}

function zshOption(option: string): string {
  if (option === '-c' || option === '--config') return `'${option}[configuration]:file:_files -g "*.(yaml|yml|json)"'`;
  if (option === '--log-level') return `'--log-level[least severe level]:level:(${LOG_LEVELS.join(' ')})'`;
  if (option === '--set') return `'*--set[override one value]:PATH=VALUE:'`;
  if (option === '--listen' || option === '--to') return `'${option}[address]:ADDR:'`;
  return `'${option}'`;
}

function quote(text: string): string {
  return text.replaceAll("'", "'\\''").replaceAll(':', '\\:');
}
