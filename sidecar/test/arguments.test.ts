import { expect } from 'chai';
import { COMMANDS, helpText, readArguments, UsageError } from '../src/arguments.ts';
import { wantsColours } from '../src/colours.ts';

describe('the help', () => {
  for (const about of [undefined, ...Object.keys(COMMANDS)])
    it(`${about === undefined ? 'of all' : `of ${about}`} fits a terminal of 80 by 24`, () => {
      const lines = helpText(about).split('\n');
      expect(lines.length).to.be.most(24);
      expect(lines.filter((line) => line.length > 80)).to.deep.equal([]);
    });

  it('shows examples, and every command', () => {
    for (const name of Object.keys(COMMANDS)) expect(helpText()).to.match(new RegExp(`^ {2}${name} `, 'm'));
    expect(helpText()).to.contain('\nExamples\n');
    for (const name of ['run', 'check', 'explain', 'schema', 'init', 'completion'])
      expect(helpText(name)).to.match(/\nExamples?\n {2}/);
  });

  it('has an example for each that the program understands', () => {
    const examples = ['', ...Object.keys(COMMANDS)].flatMap((name) => {
      const [, text = ''] = helpText(name || undefined).split(/\nExamples?\n/);
      return text.match(/(?<=^ {2}(?:source <\()?outrigger ).*$/gm) ?? [];
    });
    expect(examples.length).to.be.least(10);
    for (const example of examples) {
      const words = example.replace(/ *(?:#|&&|\||>|\)$).*$/, '').split(' ');
      expect(() => readArguments(words), example).not.to.throw();
    }
  });
});

describe('the command line', () => {
  const source = { file: 'o.yaml', listen: undefined, to: undefined, set: [] };
  const good: readonly [args: string, command: object][] = [
    ['', { command: 'help', about: undefined }],
    ['--help', { command: 'help', about: undefined }],
    ['help check', { command: 'help', about: 'check' }],
    ['check --help', { command: 'help', about: 'check' }],
    ['--version', { command: 'version' }],
    ['version', { command: 'version' }],
    ['-c o.yaml', { command: 'run', source, logLevel: 'info' }],
    ['run -c o.yaml --log-level debug', { command: 'run', source, logLevel: 'debug' }],
    [
      'run --listen :1 --to a:1,b:2',
      { command: 'run', source: { file: undefined, listen: ':1', to: 'a:1,b:2', set: [] }, logLevel: 'info' },
    ],
    ['check -c o.yaml --set a=b --set c=d', { command: 'check', source: { ...source, set: ['a=b', 'c=d'] } }],
    ['explain -c o.yaml', { command: 'explain', source, json: false }],
    ['explain -c o.yaml --json', { command: 'explain', source, json: true }],
    ['schema', { command: 'schema', source: undefined }],
    ['schema -c o.yaml', { command: 'schema', source }],
    ['init', { command: 'init' }],
    ['completion zsh', { command: 'completion', shell: 'zsh' }],
    ['demo', { command: 'demo', logLevel: 'info' }],
  ];
  for (const [args, command] of good)
    it(`understands "outrigger ${args}"`, () => {
      expect(readArguments(args.split(' ').filter((word) => word !== ''))).to.deep.equal(command);
    });

  const bad: readonly [args: string, message: string][] = [
    ['chek', 'there is no command "chek"; did you mean "check"?'],
    ['frobnicate', `there is no command "frobnicate"; there are ${Object.keys(COMMANDS).join(', ')}`],
    ['help chek', 'there is no command "chek"; did you mean "check"?'],
    ['check', 'outrigger check needs -c FILE; outrigger init writes one'],
    ['explain', 'outrigger explain needs -c FILE; outrigger init writes one'],
    ['run', 'outrigger run needs -c FILE, or --listen ADDR --to ADDR; outrigger init writes a file'],
    ['run --listen :1', '--listen needs --to, too'],
    ['run -c a --to b', '-c FILE and --listen/--to exclude each other'],
    ['check o.yaml', '"o.yaml" is one argument too many; a file is given as -c o.yaml'],
    ['check -c o.yaml --json', 'outrigger check takes no --json'],
    ['init -c o.yaml', 'outrigger init takes no --config'],
    ['check --confg o.yaml', 'there is no option --confg; did you mean --config?'],
    ['run -c o.yaml --log-level loud', '--log-level is "loud"; expected one of debug, info, warn, error'],
    ['completion', 'outrigger completion needs the name of a shell: bash or zsh'],
    ['completion bash zsh', 'there is no completion for "bash zsh"; expected bash or zsh'],
  ];
  for (const [args, message] of bad)
    it(`refuses "outrigger ${args}", and says why`, () => {
      expect(() => readArguments(args.split(' ')))
        .to.throw(UsageError)
        .with.property('message', message);
    });
});

describe('colours', () => {
  const table: readonly [name: string, isTTY: boolean, env: Record<string, string>, wanted: boolean][] = [
    ['on a terminal', true, {}, true],
    ['elsewhere', false, {}, false],
    ['on a terminal with NO_COLOR', true, { NO_COLOR: '1' }, false],
    ['on a terminal with an empty NO_COLOR', true, { NO_COLOR: '' }, true],
    ['on a dumb terminal', true, { TERM: 'dumb' }, false],
    ['elsewhere with FORCE_COLOR', false, { FORCE_COLOR: '1' }, true],
    ['elsewhere with an empty FORCE_COLOR', false, { FORCE_COLOR: '' }, true],
    ['on a terminal with FORCE_COLOR=0', true, { FORCE_COLOR: '0' }, false],
    ['with both', false, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
  ];
  for (const [name, isTTY, env, wanted] of table)
    it(`are ${wanted ? '' : 'not '}shown ${name}`, () => {
      expect(wantsColours({ isTTY }, env)).to.equal(wanted);
    });
});
