/** A line of text at a place; `style` is a class. */
export function text(x: number, y: number, content: string, style: string): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${round(x)}" y="${y}"${style === '' ? '' : ` class="${style}"`}>${escaped}</text>`;
}

export function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Small print below `y`, and how high it is. */
export function notes(y: number, line: string): { readonly drawn: string; readonly height: number } {
  const lines = line.match(/.{1,108}(?:\s|$)/g)?.map((part) => part.trim()) ?? [];
  return { drawn: lines.map((part, i) => text(12, y + i * 16, part, 'dim')).join('\n'), height: lines.length * 16 };
}

/** A picture of its own. Colours follow the reader's theme: `light` and `dark` are rules of CSS. */
export function picture(
  {
    width,
    height,
    title,
    light,
    dark,
  }: Record<'width' | 'height', number> & Record<'title' | 'light' | 'dark', string>,
  parts: readonly string[],
): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${title}">
<style>
  svg { background: #fff; font: 12px system-ui, sans-serif; fill: #1b2330; }
  .title { font-size: 16px; font-weight: 600; } .group { font-weight: 600; } .own { font-weight: 700; } .end { text-anchor: end; } .middle { text-anchor: middle; }
  .dim { fill: #5c6778; } .one { stroke: #5c6778; stroke-dasharray: 3 3; } .spread { stroke: #1b2330; stroke-width: 2; } ${light}
  @media (prefers-color-scheme: dark) { svg { background: #11151c; fill: #e6eaf0; } .dim { fill: #9aa6b6; } .one { stroke: #9aa6b6; } .spread { stroke: #e6eaf0; } ${dark} }
</style>
<rect width="100%" height="100%" fill="none"/>
${parts.join('\n')}
</svg>
`;
}
