import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { folderWith, outrigger } from './command-line.ts';

describe('outrigger init', () => {
  const folder = folderWith();
  after(() => folder.remove());
  const file = join(folder.path, 'outrigger.yaml');

  it('writes a commented file that is valid, and says what is next', async () => {
    const { code, stdout, stderr } = await outrigger(['init'], folder.path);
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    expect(stdout).to.match(/^outrigger\.yaml is written\. Next:\n {2}outrigger check -c outrigger\.yaml/);
    expect(readFileSync(file, 'utf8')).to.match(/^# yaml-language-server: \$schema=outrigger\.schema\.json\n/);
    expect(await outrigger(['check', '-c', 'outrigger.yaml'], folder.path)).to.deep.equal({
      code: 0,
      stdout: 'outrigger.yaml is valid\n1 listener, 1 route, 1 cluster, 12 built-in plugins\n',
      stderr: '',
    });
  });

  it('writes comments that are valid, too, where they are uncommented', async () => {
    const text = readFileSync(file, 'utf8');
    const whole = text.replace(/^ {4}cluster: app\n/m, '').replace(/^( *)# ( *(?:- [{]|[a-z]+:(?: |$)))/gm, '$1$2');
    const { path, remove } = folderWith({ 'o.yaml': whole });
    try {
      expect((await outrigger(['cert'], path)).code).to.equal(0);
      const { stdout, stderr } = await outrigger(['check', '-c', 'o.yaml'], path);
      expect(stderr, whole).to.equal('');
      expect(stdout).to.contain('3 listeners, 5 routes, 4 clusters');
    } finally {
      remove();
    }
  });

  it('never overwrites', async () => {
    const before = readFileSync(file, 'utf8');
    const { code, stdout, stderr } = await outrigger(['init'], folder.path);
    expect({ code, stdout }).to.deep.equal({ code: 1, stdout: '' });
    expect(stderr).to.equal(
      'outrigger: there is an outrigger.yaml here already; it was left as it is. Remove or rename it first.\n',
    );
    expect(readFileSync(file, 'utf8')).to.equal(before);
  });

  it('says what is in the way of writing', async () => {
    const { code, stderr } = await outrigger(['init', 'here'], folder.path);
    expect({ code, stderr }).to.deep.equal({
      code: 2,
      stderr: 'outrigger: "here" is one argument too many\nTry outrigger help init\n',
    });
  });
});
