import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { folderWith, outrigger } from './command-line.ts';

describe('outrigger completion', () => {
  const folder = folderWith({ 'a.yaml': '', 'b.json': '', 'c.txt': '', 'd e.yml': '' });
  after(() => folder.remove());
  const script = join(folder.path, 'completion.sh');
  before(async () => {
    const { code, stdout } = await outrigger(['completion', 'bash'], folder.path);
    expect(code).to.equal(0);
    writeFileSync(script, stdout);
  });

  /** What a real bash offers when Tab is pressed behind the last word. */
  function offered(...words: string[]): string[] {
    const call = `source ${script}
complete -p outrigger >&2 || exit 1
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_outrigger outrigger "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "\${COMPREPLY[@]}"`;
    const out = execFileSync('bash', ['--norc', '-c', call, 'bash', ...words], {
      cwd: folder.path,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return out.split('\n').filter((word) => word !== '');
  }

  const table: readonly [words: string[], offered: string[]][] = [
    [['outrigger', 'ex'], ['explain']],
    [
      ['outrigger', 'c'],
      ['check', 'cert', 'completion'],
    ],
    [
      ['outrigger', '--l'],
      ['--listen', '--log-level'],
    ],
    [
      ['outrigger', 'check', '--'],
      ['--config', '--set', '--help'],
    ],
    [['outrigger', 'explain', '--j'], ['--json']],
    [
      ['outrigger', 'check', '-c', ''],
      ['a.yaml', 'd e.yml', 'b.json'],
    ],
    [['outrigger', '--config', 'b'], ['b.json']],
    [
      ['outrigger', 'run', '--log-level', ''],
      ['debug', 'info', 'warn', 'error'],
    ],
    [['outrigger', 'completion', 'z'], ['zsh']],
    [['outrigger', 'help', 'ini'], ['init']],
    [['outrigger', 'run', '--listen', ''], []],
  ];
  for (const [words, expected] of table)
    it(`in bash offers ${expected.join(', ') || 'nothing'} behind "${words.join(' ')}"`, () => {
      expect(offered(...words)).to.deep.equal(expected);
    });

  it('has a script for zsh with every command', async () => {
    const { code, stdout } = await outrigger(['completion', 'zsh'], folder.path);
    expect(code).to.equal(0);
    expect(stdout).to.match(/^#compdef outrigger\n/);
    for (const name of ['run', 'check', 'explain', 'schema', 'init', 'completion', 'demo', 'help'])
      expect(stdout).to.match(new RegExp(`^ {4}'${name}:[^']+'$`, 'm'));
  });

  it('has a script that zsh can read (needs zsh)', async function () {
    if (spawnSync('zsh', ['--version']).status !== 0) return this.skip();
    const file = join(folder.path, '_outrigger');
    writeFileSync(file, (await outrigger(['completion', 'zsh'], folder.path)).stdout);
    expect(spawnSync('zsh', ['-n', file], { encoding: 'utf8' }).stderr).to.equal('');
  });

  it('says which shells there are', async () => {
    const { code, stderr } = await outrigger(['completion', 'fish'], folder.path);
    expect(code).to.equal(2);
    expect(stderr).to.equal(
      'outrigger: there is no completion for "fish"; expected bash or zsh\nTry outrigger help completion\n',
    );
  });
});
