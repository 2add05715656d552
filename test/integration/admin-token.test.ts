// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how configurations write variables
import { expect } from 'chai';
import { runToEnd, sidecarOn } from '../support/program.ts';
import { scratchForPrograms, shortest } from '../support/scratch.ts';

const TOKEN = 'hunter2-hunter2-hunter2';

describe('the admin token of a sidecar', () => {
  const scratch = scratchForPrograms();
  const file = (admin: string) => scratch.write('o.yaml', `admin: ${admin}\n${shortest(['127.0.0.1:1'])}`);
  const check = async (admin: string) => {
    const { code, stderr } = await runToEnd(['check', '-c', file(admin)]);
    return { code, stderr: stderr.replaceAll(`${scratch.folder}/`, '').trimEnd() };
  };

  it('is shown nowhere, and comes from the environment, or from a file that is read anew on SIGHUP', async () => {
    scratch.write('token', TOKEN);
    const program = sidecarOn(file('{ token: "${ADMIN_TOKEN}" }'), ['--log-level', 'debug'], {
      env: { ADMIN_TOKEN: TOKEN },
    });
    const { admin } = await program.logged('ready');
    const ask = (token: string) =>
      fetch(`http://${admin}/config_dump?origins`, { headers: { authorization: `Bearer ${token}` } });
    const dump = await (await ask(TOKEN)).text();
    expect(dump).to.contain('"path":"admin.token","value":"[sensitive]","origin"').and.not.to.contain('hunter2');

    file('{ tokenFile: token }');
    program.kill('SIGHUP');
    await program.logged('reloaded');
    expect((await ask(TOKEN)).status).to.equal(200);
    scratch.write('token', 'another-horse-battery');
    program.kill('SIGHUP');
    await program.logged('reloaded: the configuration says the same, nothing changes');
    expect((await ask(TOKEN)).status).to.equal(401);
    expect((await ask('another-horse-battery')).status).to.equal(200);
    scratch.write('token', 'hunter2');
    program.kill('SIGHUP');
    const { problems } = await program.logged('the reload failed; the configuration in force stays');
    expect(String(problems)).to.match(/o\.yaml:1:21 admin\.tokenFile: names .*token, which has 7 characters/);
    expect((await ask('another-horse-battery')).status).to.equal(200);
    expect(program.stderr).not.to.contain('hunter2');
  });

  it('is checked with the rest, at its place', async () => {
    expect(await check('{ token: hunter2 }')).to.deep.equal({
      code: 78,
      stderr: 'o.yaml:1:17 admin.token: has 7 characters; expected 16 or more, as of openssl rand -hex 16',
    });
    expect((await check('{ tokenFile: none }')).stderr).to.match(/^o\.yaml:1:21 admin\.tokenFile: is .*none.* no such/);
    scratch.write('short', 'hunter2');
    expect((await check('{ tokenFile: short }')).stderr).to.match(
      /^o\.yaml:1:21 admin\.tokenFile: names .*short, which/,
    );
    expect((await check('{ bind: "0.0.0.0:9901" }')).stderr).to.match(
      /^warning: other machines reach the admin address/,
    );
    expect((await check(`{ bind: "0.0.0.0:9901", token: ${TOKEN} }`)).stderr).to.equal('');
  });
});
