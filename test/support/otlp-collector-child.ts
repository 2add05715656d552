// An OTLP receiver as a process of its own, which can be killed. Its parent gives it a port, and is told by lines of output: the port
// that it listens on, and after each export how many spans have come so far.
import { OtlpCollector } from './otlp-collector.ts';

const [port] = process.argv.slice(2);
const collector = new OtlpCollector();
collector.answer = (response) => {
  response.writeHead(200).end();
  process.stdout.write(`spans ${collector.spans.length}\n`);
};
await collector.listen(Number(port));
process.stdout.write(`${collector.port}\n`);
