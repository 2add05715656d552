import { type BindToFluentSyntax, type Container, ContainerModule, type ServiceIdentifier } from 'inversify';
import type { Bind } from './plugin.ts';
import { PluginError } from './plugin-error.ts';
import type { PluginInstance } from './plugin-instance.ts';

/** Whose the bindings of a token are, in the order in which they were made. */
export type Contributors = Map<ServiceIdentifier<unknown>, string[]>;

/** What a plugin has asked to be given for one of its contributions. */
export interface Need {
  readonly plugin: string;
  readonly contribution: ServiceIdentifier<unknown>;
  readonly token: ServiceIdentifier<unknown>;
}

/** Lets a plugin bind, and keeps books: whose each binding is, and what it needs. */
export function load(instance: PluginInstance, container: Container, contributors: Contributors, needs: Need[]): void {
  const { plugin, settings } = instance;
  let returned: unknown;
  // Braces matter: inversify takes whatever the callback returns for a promise.
  const module = new ContainerModule(({ bind }) => {
    const booked = <T>(token: ServiceIdentifier<T>) => {
      if (token === undefined) throw new TypeError('bind() was given undefined for a token');
      book(instance, token, contributors);
      instance.contributes.set(token, (instance.contributes.get(token) ?? 0) + 1);
      return blamed(bind(token), instance, token, needs);
    };
    returned = plugin.bind(booked as Bind, settings);
  });
  try {
    container.load(module);
  } catch (error) {
    // It says itself what is wrong, and where.
    if (error instanceof PluginError && error.keys !== undefined) throw error;
    throw new PluginError(plugin.name, `plugin ${plugin.name} failed in bind(): ${messageOf(error)}`, { cause: error });
  }
  if (returned instanceof Promise) {
    returned.catch(() => {});
    throw new PluginError(
      plugin.name,
      `plugin ${plugin.name} has an asynchronous bind(); make it synchronous, and wait in the init() of a Lifecycle`,
    );
  }
}

/** Binds what an instance of an earlier composition has made. */
export function carryOver(
  instance: PluginInstance,
  made: (token: ServiceIdentifier<unknown>) => readonly unknown[],
  container: Container,
  contributors: Contributors,
): void {
  for (const token of instance.contributes.keys()) {
    for (const value of made(token)) {
      book(instance, token, contributors);
      container.bind(token).toConstantValue(value);
    }
  }
}

function book({ name }: PluginInstance, token: ServiceIdentifier<unknown>, contributors: Contributors): void {
  const names = contributors.get(token) ?? [];
  names.push(name);
  contributors.set(token, names);
}

/** Throws where nobody provides what is needed, or more than one do. */
export function checkNeed(
  { plugin, contribution, token }: Need,
  container: Container,
  contributors: Contributors,
): void {
  if (!container.isBound(token)) {
    throw new PluginError(
      plugin,
      `plugin ${plugin} needs ${nameOf(token)} for its ${nameOf(contribution)}, and nobody provides it; list a plugin that does`,
    );
  }
  const owners = contributors.get(token) ?? [];
  if (owners.length > 1) {
    throw new PluginError(
      plugin,
      `plugin ${plugin} needs one ${nameOf(token)} for its ${nameOf(contribution)}, and ${owners.join(' and ')} provide one each; ask for all with isMultiple`,
    );
  }
}

/** What a plugin makes is made within `getAll`, for all contributors at once: so the factories say whose fault it was. */
function blamed<T>(
  to: BindToFluentSyntax<T>,
  instance: PluginInstance,
  token: ServiceIdentifier<unknown>,
  needs: Need[],
): BindToFluentSyntax<T> {
  const plugin = instance.name;
  const guarded =
    (make: (...args: unknown[]) => unknown) =>
    (...args: unknown[]): unknown => {
      let made: unknown;
      try {
        made = make(...args);
      } catch (error) {
        if (error instanceof PluginError) throw error;
        throw new PluginError(plugin, `plugin ${plugin} failed to make its ${nameOf(token)}: ${messageOf(error)}`, {
          cause: error,
        });
      }
      if (!(made instanceof Promise)) return made;
      made.catch(() => {});
      throw new PluginError(
        plugin,
        `plugin ${plugin} makes its ${nameOf(token)} asynchronously; make it at once, and wait in the init() of a Lifecycle`,
      );
    };
  type Inject =
    | ServiceIdentifier<unknown>
    | { serviceIdentifier: ServiceIdentifier<unknown>; [option: string]: unknown };
  type Make = (...args: unknown[]) => unknown;
  const syntax = to as unknown as Record<
    'toResolvedValue' | 'toDynamicValue',
    (make: Make, inject?: readonly Inject[]) => unknown
  > & { toConstantValue(value: T): unknown };
  const { toConstantValue, toResolvedValue, toDynamicValue } = syntax;
  // Until it turns out to be one of the two that tell what they depend on.
  instance.untold++;
  syntax.toConstantValue = (value) => {
    instance.untold--;
    return toConstantValue.call(to, value);
  };
  syntax.toDynamicValue = (make) => toDynamicValue.call(to, guarded(make));
  syntax.toResolvedValue = (make, inject = []) => {
    instance.untold--;
    for (const wanted of inject) {
      const single = typeof wanted !== 'object';
      const needed = single ? wanted : wanted.serviceIdentifier;
      instance.injects.add(needed);
      if (single || (wanted['isMultiple'] !== true && wanted['optional'] !== true))
        needs.push({ plugin, contribution: token, token: needed });
    }
    return toResolvedValue.call(to, guarded(make), inject);
  };
  return to;
}

/** A token as plugins know it. */
export function nameOf(token: ServiceIdentifier<unknown>): string {
  if (typeof token === 'symbol') return (token.description ?? '').replace(/^outrigger\./, '');
  return typeof token === 'function' ? token.name : String(token);
}

/** An error in one line. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.trim().replace(/\s*\n\s*/g, '; ') : String(error);
}
