/** The methods that are told apart; every other one is `_OTHER`, as the HTTP conventions want it. */
export const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH', '_OTHER'] as const;

/** The index of a method in {@link METHODS}; on each session's way. */
export function methodIndex(method: string): number {
  switch (method) {
    case 'GET':
      return 0;
    case 'POST':
      return 1;
    case 'PUT':
      return 2;
    case 'DELETE':
      return 3;
    case 'HEAD':
      return 4;
    case 'OPTIONS':
      return 5;
    case 'PATCH':
      return 6;
    default:
      return 7;
  }
}
