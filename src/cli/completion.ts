/**
 * Completion scripts for shells, written from the table of commands. They are static: a key press starts no process. zsh takes the
 * script of bash by its own emulation (bashcompinit, zshcompsys(1)).
 */

import { globalOptions, type CommandSpec, type OptionSpec } from './command-spec.js';

export type Shell = 'bash' | 'zsh' | 'fish';

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** What can follow the words of a command line, for every line that the table knows. The key is the words so far. */
function nextWords(commands: readonly CommandSpec[]): ReadonlyMap<string, readonly string[]> {
  const next = new Map<string, Set<string>>();
  const add = (words: readonly string[], follower: string): void => {
    const key = words.join(' ');
    next.set(key, (next.get(key) ?? new Set()).add(follower));
  };
  for (const { name, args } of commands) {
    const words = name.split(' ');
    words.forEach((word, place) => add(words.slice(0, place), word));
    for (const value of args[0]?.values ?? args[0]?.offered ?? []) add(words, value);
  }
  return new Map([...next].map(([key, followers]) => [key, [...followers]]));
}

const dashed = ({ name, short }: OptionSpec): readonly string[] =>
  short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];

/** Two commands may give one option different values: then all of them are offered. What -f means, the command decides. */
function valueCases(options: readonly OptionSpec[]): string {
  const values = new Map<string, string[]>();
  const files = new Set<string>();
  const others = new Set<string>();
  for (const option of options.filter(({ value }) => value !== undefined)) {
    for (const word of dashed(option).filter((entry) => entry !== '-f')) {
      if (option.isFile === true) files.add(word);
      else if (option.values === undefined) others.add(word);
      else values.set(word, [...(values.get(word) ?? []), ...option.values]);
    }
  }
  const lines = [...values].map(
    ([word, list]) =>
      `    ${word}) COMPREPLY=($(compgen -W ${quote([...new Set(list)].join(' '))} -- "$cur")); return ;;\n`,
  );
  const known = [...files].filter((word) => !values.has(word));
  if (known.length > 0) lines.push(`    ${known.join('|')}) COMPREPLY=($(compgen -f -- "$cur")); return ;;\n`);
  const free = [...others].filter((word) => !values.has(word) && !files.has(word));
  if (free.length > 0) lines.push(`    ${free.join('|')}) return ;;\n`);
  return lines.join('');
}

function bash(commands: readonly CommandSpec[]): string {
  const all = [...globalOptions, ...commands.flatMap(({ options }) => options)];
  const withValue = all.filter(({ value }) => value !== undefined).flatMap(dashed);
  // -f follows with journal and names a file with apply: what takes no value anywhere is decided by the command.
  const taking = [...new Set(withValue)].filter((word) => word !== '-f');
  const general = globalOptions.flatMap(dashed).join(' ');
  const optionCases = commands
    .filter(({ options }) => options.length > 0)
    .toSorted((a, b) => b.name.length - a.name.length)
    .map(({ name, options }) => `    ${quote(`${name} `)}*) list="$list ${options.flatMap(dashed).join(' ')}" ;;\n`);
  const wordCases = [...nextWords(commands)].map(
    ([key, words]) => `    ${quote(key)}) list=${quote(words.join(' '))} ;;\n`,
  );
  return `# dpuctl completion for bash: source it, or put it into /usr/share/bash-completion/completions/dpuctl
_dpuctl() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev='' words='' list='' i skip=0
  (( COMP_CWORD > 0 )) && prev="\${COMP_WORDS[COMP_CWORD-1]}"
  COMPREPLY=()
  for (( i = 1; i < COMP_CWORD; i++ )); do
    if (( skip )); then skip=0; continue; fi
    case "\${COMP_WORDS[i]}" in
    ${taking.join('|')}) skip=1 ;;
    -*) ;;
    *) words="\${words:+$words }\${COMP_WORDS[i]}" ;;
    esac
  done
  case "$words $prev" in
    'journal -f') ;;
    *' -f') COMPREPLY=($(compgen -f -- "$cur")); return ;;
  esac
  case "$prev" in
${valueCases(all)}  esac
  if [[ "$cur" == -* ]]; then
    list='${general}'
    case "$words " in
${optionCases.join('')}    esac
  else
    case "$words" in
${wordCases.join('')}    esac
  fi
  COMPREPLY=($(compgen -W "$list" -- "$cur"))
}
complete -F _dpuctl dpuctl
`;
}

function zsh(commands: readonly CommandSpec[]): string {
  return `#compdef dpuctl
autoload -U +X bashcompinit && bashcompinit
${bash(commands)}`;
}

function fishOption(option: OptionSpec, condition: string): string {
  const { name, short, value, values, isFile, help } = option;
  const parts = [
    'complete -c dpuctl',
    ...(condition === '' ? [] : [`-n ${quote(condition)}`]),
    `-l ${name}`,
    ...(short === undefined ? [] : [`-s ${short}`]),
    ...(value === undefined ? [] : [isFile === true ? '-r -F' : '-x']),
    ...(values === undefined ? [] : [`-a ${quote(values.join(' '))}`]),
    `-d ${quote(help)}`,
  ];
  return `${parts.join(' ')}\n`;
}

function fish(commands: readonly CommandSpec[]): string {
  const firsts = new Map(commands.map(({ name, summary }) => [name.split(' ')[0] ?? '', summary]));
  const words = [...firsts].map(
    ([word, summary]) => `complete -c dpuctl -n __fish_use_subcommand -a ${word} -d ${quote(summary)}\n`,
  );
  const followers = [...nextWords(commands)].filter(([key]) => key !== '' && !key.includes(' '));
  const rest = followers.map(
    ([key, list]) =>
      `complete -c dpuctl -n ${quote(`__fish_seen_subcommand_from ${key}`)} -a ${quote(list.join(' '))}\n`,
  );
  const options = commands.flatMap(({ name, options: own }) =>
    own.map((option) => fishOption(option, `__fish_seen_subcommand_from ${name.split(' ')[0] ?? ''}`)),
  );
  return [
    '# dpuctl completion for fish: put it into ~/.config/fish/completions/dpuctl.fish\n',
    'complete -c dpuctl -f\n',
    ...words,
    ...rest,
    ...globalOptions.map((option) => fishOption(option, '')),
    ...options,
  ].join('');
}

/** The script for a shell. */
export function completionScript(shell: Shell, commands: readonly CommandSpec[]): string {
  return { bash, zsh, fish }[shell](commands);
}
