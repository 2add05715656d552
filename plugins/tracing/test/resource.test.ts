import { hostname } from 'node:os';
import { expect } from 'chai';
import { resourceOf } from '../src/resource.ts';

const NAMES = ['OTEL_SERVICE_NAME', 'OTEL_RESOURCE_ATTRIBUTES'] as const;

describe('the resource', () => {
  const before = NAMES.map((name) => process.env[name]);

  beforeEach(() => {
    for (const name of NAMES) delete process.env[name];
  });

  afterEach(() => {
    NAMES.forEach((name, i) => {
      if (before[i] === undefined) delete process.env[name];
      else process.env[name] = before[i];
    });
  });

  it('says who sends, where, and as which process', () => {
    const { attributes } = resourceOf('chat');
    expect(attributes).to.include({
      'service.name': 'chat',
      'host.name': hostname(),
      'process.pid': process.pid,
      'process.runtime.name': 'nodejs',
      'process.runtime.version': process.versions.node,
      'telemetry.sdk.name': 'opentelemetry',
    });
    expect(attributes['service.instance.id']).to.match(/^[0-9a-f-]{36}$/);
    expect(attributes['service.instance.id']).to.equal(resourceOf('chat').attributes['service.instance.id']);
  });

  it('is what OTEL_RESOURCE_ATTRIBUTES says before anything else', () => {
    process.env['OTEL_RESOURCE_ATTRIBUTES'] = 'service.name=env,host.name=h1,deployment.environment.name=a%20b';
    expect(resourceOf('chat').attributes).to.include({
      'service.name': 'env',
      'host.name': 'h1',
      'deployment.environment.name': 'a b',
      'process.pid': process.pid,
    });
  });

  it('has the name that OTEL_SERVICE_NAME says before that', () => {
    process.env['OTEL_RESOURCE_ATTRIBUTES'] = 'service.name=env';
    process.env['OTEL_SERVICE_NAME'] = 'named';
    expect(resourceOf('chat').attributes['service.name']).to.equal('named');
  });
});
