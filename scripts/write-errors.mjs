// Writes docs/errors.md from the closed list of causes: npm run docs, after a change of core/src/cause.ts. With --print it
// goes to standard output instead.
import { writeFileSync } from 'node:fs';
import { CAUSES, errorCode } from '@outrigger/core';

const parts = Object.entries(CAUSES).map(([name, { source, status, closeCode, retryable, doc }]) => {
  const answer = status === 0 ? 'nothing can be answered' : `answered with ${status} while nothing has gone down`;
  const close = closeCode === 0 ? 'an open WebSocket is cut' : `an open WebSocket is closed with ${closeCode}`;
  return `### \`${name}\`\n\n${doc} Source: ${source}; ${answer}; ${close}${retryable ? '; another endpoint may do better' : ''}. Code: \`${errorCode(name)}\`.\n`;
});

const text = `# Errors

Every session and connection ends with one cause of this closed list; it stands in the outcome that \`onSessionEnd\` gets, in
logs and in metrics. Where a plugin ended a session the cause is \`plugin:<name>\`: 500 or 1011, unless the plugin said
otherwise. The sidecar's own answers are plain text that begins with the cause.

This page is written by \`npm run docs\` from [core/src/cause.ts](../core/src/cause.ts).

${parts.join('\n')}`;
if (process.argv.includes('--print')) process.stdout.write(text);
else writeFileSync(new URL('../docs/errors.md', import.meta.url), text);
