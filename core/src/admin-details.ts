import type { JsonSchema } from './admin-route.ts';
import type { Cluster, Endpoint } from './cluster.ts';
import type { ListenerInfo } from './connection.ts';
import type { Session } from './session.ts';

/**
 * Adds to what the admin address tells of a thing: the fields of what is returned stand beside core's. Contribute one where
 * a plugin keeps a state of its own. Called for each row of an answer, synchronously.
 */
export interface AdminDetails {
  listener?(listener: ListenerInfo): object | undefined;
  cluster?(cluster: Cluster): object | undefined;
  endpoint?(endpoint: Endpoint): object | undefined;
  session?(session: Session): object | undefined;
  /** What these fields look like, for `/openapi.json`: JSON Schemas by the name of the field. */
  readonly schemas?: {
    readonly [thing in 'listener' | 'cluster' | 'endpoint' | 'session']?: Readonly<Record<string, JsonSchema>>;
  };
}
