import { expect } from 'chai';
import { formatProblem, readDocument, validate } from '../src/index.ts';
import { wrong, wrongJson } from './corpus.ts';
import { known } from './stand-ins.ts';

describe('what is wrong with a configuration', () => {
  it('is told of each of at least sixty wrong ones, no two alike', () => {
    const texts = new Set([...wrong, ...wrongJson].map(([, text]) => text));
    expect(texts.size)
      .to.equal(wrong.length + wrongJson.length)
      .and.least(60);
  });

  for (const [name, text, ...problems] of wrong)
    it(`says it: ${name}`, () => {
      const { problems: found = [] } = validate(readDocument({ text, name: 'o.yaml' }, {}), known);
      expect(found.map(formatProblem)).to.deep.equal(problems.map((problem) => `o.yaml:${problem}`));
    });

  for (const [name, text, ...problems] of wrongJson)
    it(`says it in JSON: ${name}`, () => {
      const { problems: found = [] } = validate(readDocument({ text, name: 'o.json' }, {}), known);
      expect(found.map(formatProblem)).to.deep.equal(problems.map((problem) => `o.json:${problem}`));
    });

  it('is told all at once, in the order of the file', () => {
    const text = `drain: { timeout: 5, rate: x }\nlisteners: { a: { protocol: ftp, cluster: app } }\nclusters: { ap: {} }\n`;
    const { problems = [] } = validate(readDocument({ text, name: 'o.yaml' }, {}), known);
    expect(problems.map(({ line, path }) => `${line} ${path}`)).to.deep.equal([
      '1 drain.timeout',
      '1 drain.rate',
      '2 listeners.a.bind',
      '2 listeners.a.protocol',
      '2 listeners.a.cluster',
      '3 clusters.ap',
    ]);
  });
});
