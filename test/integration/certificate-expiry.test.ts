import { expect } from 'chai';
import { Authority, writeAuthority, writePair } from '../support/certificates.ts';
import { endPrograms, type Program, sidecarOn } from '../support/program.ts';
import { Scratch } from '../support/scratch.ts';

describe('certificates that end', () => {
  const scratch = new Scratch();
  let program: Program;
  let admin: string;
  before(async () => {
    const authority = await Authority.create();
    writeAuthority(scratch.folder, 'ca', authority);
    for (const [name, days, since] of [
      ['soon', 20, 1],
      ['later', 60, 1],
      ['over', -2, 20],
      ['client-soon', 10, 1],
      ['client-later', 60, 1],
    ] as const)
      writePair(scratch.folder, name, await authority.issue({ names: [`${name}.test`], days, since }));
    const pair = (name: string) => `cert: ${name}.crt, key: ${name}.key`;
    program = sidecarOn(
      scratch.write(
        'expiry.yaml',
        `listeners:
  edge:
    protocol: https
    bind: "127.0.0.1:0"
    tls: { certificates: [{ ${pair('soon')} }, { ${pair('later')} }, { ${pair('over')} }] }
    cluster: one
clusters:
  one: { endpoints: ["127.0.0.1:9"], tls: { ca: ca.crt, ${pair('client-soon')} } }
  two: { endpoints: ["127.0.0.1:9"], tls: { ca: ca.crt, ${pair('client-later')} } }
  three: { endpoints: ["127.0.0.1:9"], tls: { ca: ca.crt } }
`,
      ),
    );
    admin = `http://${(await program.logged('ready'))['admin']}`;
  });
  after(async () => {
    await endPrograms();
    scratch.remove();
  });
  const short = (path: unknown) => String(path).replace(`${scratch.folder}/`, '');

  it('are told of in the log from 30 days on, those of clusters too, before a session needs them', () => {
    const told = program.log
      .filter(({ msg }) => msg.startsWith('a certificate '))
      .map(({ level, msg, listener, cluster, file, daysLeft }) => [
        level,
        msg,
        listener ?? cluster,
        short(file),
        daysLeft,
      ]);
    expect(told).to.have.deep.members([
      ['warn', 'a certificate expires soon', 'edge', 'soon.crt', 19],
      ['error', 'a certificate has expired', 'edge', 'over.crt', -3],
      ['warn', 'a certificate expires soon', 'one', 'client-soon.crt', 9],
    ]);
  });

  it('have gauges that say when they expire', async () => {
    const text = await (await fetch(`${admin}/metrics`)).text();
    const gauges = [...text.matchAll(/^outrigger_tls_(.*)expiry_timestamp_seconds\{(.*)\} (.+)$/gm)].map(
      ([, kind, labels, at]) => [
        kind,
        short(/certificate="(.*?)"/.exec(labels!)![1]),
        /(?:listener|cluster)="(.*?)"/.exec(labels!)![1],
        Math.floor((Number(at) * 1_000 - Date.now()) / 86_400_000),
      ],
    );
    expect(gauges).to.have.deep.members([
      ['certificate_', 'soon.crt', 'edge', 19],
      ['certificate_', 'later.crt', 'edge', 59],
      ['certificate_', 'over.crt', 'edge', -3],
      ['upstream_certificate_', 'client-soon.crt', 'one', 9],
      ['upstream_certificate_', 'client-later.crt', 'two', 59],
    ]);
  });

  it('are on the admin address', async () => {
    const { edge } = (await (await fetch(`${admin}/certificates`)).json()) as {
      edge: { certificates: { file: string; daysLeft: number }[] };
    };
    expect(edge.certificates.map(({ file, daysLeft }) => [short(file), daysLeft])).to.deep.equal([
      ['soon.crt', 19],
      ['later.crt', 59],
      ['over.crt', -3],
    ]);
    const text = await (await fetch(`${admin}/clusters`)).text();
    expect(text).to.match(/"cert": ".*client-soon\.crt",\s+"notAfter": ".*",\s+"daysLeft": 9/);
  });
});
