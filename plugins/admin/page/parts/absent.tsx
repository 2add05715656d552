/** Says what cannot be shown, and what would change that. */
export function Absent({ what, path, plugin }: { what: string; path: string; plugin?: string }) {
  return (
    <p class="absent">
      {what} not available: this sidecar has no <code>{path}</code>
      {plugin === undefined ? '.' : `; the plugin ${plugin} serves it, and is not loaded.`}
    </p>
  );
}
