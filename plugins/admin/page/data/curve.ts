/** Draws points as an SVG path in a box; where there is none (null) the line is broken. */
export function curve(points: readonly (number | null)[], width: number, height: number, most?: number): string {
  const top = most ?? Math.max(...points.map((point) => point ?? 0));
  const step = width / Math.max(1, points.length - 1);
  let pen = 'M';
  let path = '';
  points.forEach((point, index) => {
    if (point === null) {
      pen = 'M';
      return;
    }
    const y = top > 0 ? height - (point / top) * height : height;
    path += `${pen}${round(index * step)} ${round(y)}`;
    pen = 'L';
  });
  return path;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
