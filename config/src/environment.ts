// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how configurations write variables

/** Variables by name, such as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Puts variables into a text: `${NAME}`, `${NAME:-default}` where it is unset or empty (as in a shell), `$${` for a literal
 * `${`. Calls `used` with the name of each whose value it takes, and `wrong` for each reference that cannot be resolved; that does not tell the text,
 * which may be part of a secret.
 */
export function substitute(
  text: string,
  env: Environment,
  used: (name: string) => void,
  wrong: (message: string, expected: string) => void,
): string {
  return text.replace(/\$\$\{|\$\{([^}]*)(\}?)/g, (reference, inner: string | undefined, end: string) => {
    if (inner === undefined) return '${';
    const [, name, fallback] = /^([A-Za-z_]\w*)(?::-(.*))?$/s.exec(inner) ?? [];
    if (name === undefined || end === '') {
      wrong('has a ${ that begins no reference to a variable', '${NAME}, ${NAME:-default}, or $${ for a literal ${');
      return reference;
    }
    const value = env[name];
    if (fallback !== undefined && (value === undefined || value === '')) return fallback;
    used(name);
    if (value === undefined)
      wrong(`the environment variable ${name} is not set`, `it to be, or a default: \${${name}:-default}`);
    return value ?? '';
  });
}
