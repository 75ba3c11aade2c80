/**
 * Completions for shells, made from the commands and the settings.
 * @module
 */
import { ConfigError } from "../compute/errors.ts";
import { listSettings, type Setting } from "../config.ts";

/** What is completed. */
export interface CompletionFacts {
  /** Commands: name and what it does. */
  readonly commands: readonly (readonly [name: string, summary: string])[];
  /** Name that the program is installed under. */
  readonly program: string;
}

const SHELLS: Readonly<Record<string, (facts: CompletionFacts) => string>> = { bash, zsh, fish };

/**
 * A script for one shell: commands, then flags, then the words or paths that a flag takes.
 *
 * @throws {ConfigError} If the shell is none of bash, zsh and fish, or the name is no plain word.
 *
 * @example
 * ```ts
 * import { completions } from "./completions.ts";
 * const script = completions("bash", { commands: [["visuals", "Draw"]], program: "saev-visuals" });
 * if (!script.includes("--top-k")) throw new Error(script);
 * ```
 */
export function completions(shell: string | undefined, facts: CompletionFacts): string {
  if (shell === undefined || !Object.hasOwn(SHELLS, shell)) {
    throw new ConfigError(
      `completions ${shell === undefined ? "lacks its shell" : `knows no shell ${shell}`}, expected bash, zsh or fish`,
      {
        path: "",
      },
    );
  }
  if (!/^[\w.-]+$/.test(facts.program)) {
    throw new ConfigError(
      `Found the name ${facts.program}, expected the plain word that the program is installed under`,
      {
        path: "",
      },
    );
  }
  return SHELLS[shell](facts);
}

/** What follows a flag. */
interface Followed {
  readonly flag: string;
  readonly choices: readonly string[];
  readonly isPath: boolean;
}

function followed(): Followed[] {
  const config: Followed = { flag: "--config", choices: [], isPath: true };
  const settings = listSettings().map(({ flag, choices, unit, isSwitch }): Followed => (
    { flag, choices: isSwitch ? ["true", "false"] : choices, isPath: unit === "path" }
  ));
  return [config, ...settings];
}

/** Every flag, and switches' negations. */
function allFlags(): string[] {
  const negated = (setting: Setting): string[] => setting.isSwitch ? [`--no-${setting.flag.slice(2)}`] : [];
  return [
    "--config",
    "--help",
    "--version",
    ...listSettings().flatMap((setting) => [setting.flag, ...negated(setting)]),
  ];
}

/** Cases of what follows a flag, in a shell's words. */
function cases(offer: (words: string) => string, files: string): string {
  const all = followed();
  const paths = all.filter(({ isPath }) => isPath).map(({ flag }) => flag);
  const words = all.filter(({ choices }) => choices.length > 0);
  return [
    `    ${paths.join("|")}) ${files}; return ;;`,
    ...words.map(({ flag, choices }) => `    ${flag}) ${offer(choices.join(" "))}; return ;;`),
  ].join("\n");
}

function functionName(program: string): string {
  return `_${program.replace(/\W/g, "_")}`;
}

function bash({ commands, program }: CompletionFacts): string {
  const name = functionName(program);
  const offer = (words: string): string => `COMPREPLY=($(compgen -W "${words}" -- "$cur"))`;
  const files = `COMPREPLY=($(compgen -f -- "$cur"))`;
  return `# ${program} completions bash > /etc/bash_completion.d/${program}, or: source <(${program} completions bash)
${name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} IFS=$' \\n'
  if ((COMP_CWORD == 1)); then ${offer(commands.map(([command]) => command).join(" "))}; return; fi
  case $before in
${cases(offer, files)}
    completions) ${offer("bash zsh fish")}; return ;;
  esac
  if [[ $cur == -* ]]; then ${offer(allFlags().join(" "))}; else ${files}; fi
}
complete -o filenames -F ${name} ${program}
`;
}

function zsh({ commands, program }: CompletionFacts): string {
  const name = functionName(program);
  return `#compdef ${program}
# ${program} completions zsh > "\${fpath[1]}/_${program}", or: source <(${program} completions zsh)
${name}() {
  if ((CURRENT == 2)); then compadd -- ${commands.map(([command]) => command).join(" ")}; return; fi
  case \${words[CURRENT - 1]} in
${cases((words) => `compadd -- ${words}`, "_files")}
    completions) compadd -- bash zsh fish; return ;;
  esac
  if [[ $PREFIX == -* ]]; then compadd -- ${allFlags().join(" ")}; else _files; fi
}
(( \${+functions[compdef]} )) && compdef ${name} ${program}
`;
}

function fish({ commands, program }: CompletionFacts): string {
  const quoted = (text: string): string => `'${text.replace(/[\\']/g, "\\$&")}'`;
  const descriptions = new Map(listSettings().map(({ flag, description }) => [flag, description]));
  const lines = commands.map(([command, summary]) =>
    `complete -c ${program} -n __fish_use_subcommand -f -a ${command} -d ${quoted(summary)}`
  );
  const flags = followed().map(({ flag, choices, isPath }) => {
    const takes = choices.length > 0 ? ` -x -a ${quoted(choices.join(" "))}` : isPath ? " -r -F" : " -x";
    return `complete -c ${program} -l ${flag.slice(2)}${takes} -d ${
      quoted(descriptions.get(flag) ?? "Settings from a file")
    }`;
  });
  return `# ${program} completions fish > ~/.config/fish/completions/${program}.fish
${[...lines, ...flags].join("\n")}
complete -c ${program} -n '__fish_seen_subcommand_from completions' -f -a 'bash zsh fish'
`;
}
