import { parseArgs } from 'node:util';
import { CURVES, type Curve } from './curves.ts';

export const HELP = `How the cost of a request grows with what there is: npm run bench:scale -- [options]

  --quick            fewer slices, fewer sizes, within four minutes
  --curve NAME       only curves whose name has NAME; may be repeated
  --rounds N         slices of each size (40; 8 in a quick run)
  --seconds N        length of a slice (0.2)
  --out FOLDER       where scale.json and scale.svg go (docs/benchmarks; nothing is written in a quick run, or of some curves)

Curves: ${CURVES.map(({ name }) => name).join('; ')}.
`;

export interface ScaleOptions {
  readonly quick: boolean;
  readonly curves: readonly Curve[];
  readonly rounds: number;
  readonly seconds: number;
  /** Undefined where nothing is written. */
  readonly out: string | undefined;
}

/** Undefined where help is asked for. Throws where an option is unknown, a number is none, or no curve has a name asked for. */
export function scaleOptions(args: readonly string[]): ScaleOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      curve: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const { quick, curve: wanted } = values;
  for (const name of wanted)
    if (!CURVES.some((one) => one.name.includes(name)))
      throw new Error(`--curve ${name}: no curve has that in its name`);
  return {
    quick,
    curves: CURVES.filter(({ name }) => wanted.length === 0 || wanted.some((text) => name.includes(text))),
    rounds: above0('rounds', values.rounds, quick ? 8 : 40),
    seconds: above0('seconds', values.seconds, 0.2),
    out: values.out ?? (quick || wanted.length > 0 ? undefined : 'docs/benchmarks'),
  };
}

function above0(name: string, text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (!(value > 0)) throw new Error(`--${name} ${text}: must be a number above 0`);
  return value;
}
